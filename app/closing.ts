import type { Log } from './ports/log.ts'

export type Closer = () => void | Promise<void>

/** What a part gets that comes after one that took all the time there was. */
const LEAST_MS = 100

/**
 * Ends parts, last first. One that fails is logged; one that is late is waited for no longer, and both keep none of the others
 * from ending.
 * @param patienceMs for all of them together; what is safe at any moment need not be waited for
 */
export async function closeAll(closers: Closer[], log: Log, patienceMs: number): Promise<void> {
  const untilMs = performance.now() + patienceMs
  for (const close of closers.splice(0).toReversed()) {
    const ending = (async () => close())().catch((error: unknown) =>
      log.error('engine.stop-failed', { error }),
    )
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), Math.max(LEAST_MS, untilMs - performance.now()))
    })
    if ((await Promise.race([ending, late])) === 'late') log.warn('engine.stop-late', { part: String(close) })
    clearTimeout(timer)
  }
}
