import { AppError } from '../contract/index.ts'
import { openNode } from './connection.ts'
import type { NodeConnection, NodeOptions } from './connection.ts'
import type { Terminal } from './terminal.ts'

/** What every command gets. */
export interface Context {
  readonly terminal: Terminal
  readonly node: NodeOptions
  /** Fires at Ctrl-C, SIGTERM, or when the process that started this one is gone. */
  readonly signal: AbortSignal
}

/**
 * Runs `work` with a node and lets go of it afterwards, whatever happens.
 * @param options.isStoppedByWork the work sees to `context.signal` itself; else it is abandoned when that fires
 * @throws {AppError} `CANCELLED`, or what the work throws
 */
export async function withNode<T>(
  context: Context,
  work: (node: NodeConnection) => Promise<T>,
  { isStoppedByWork = false }: { isStoppedByWork?: boolean } = {},
): Promise<T> {
  const node = await openNode(context.node)
  try {
    if (context.signal.aborted) throw new AppError('CANCELLED', 'Cancelled.')
    return await (isStoppedByWork ? work(node) : Promise.race([work(node), whenAborted(context.signal)]))
  } finally {
    await node.close()
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(new AppError('CANCELLED', 'Cancelled.'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
