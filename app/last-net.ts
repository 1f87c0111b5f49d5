import type { Log } from './ports/log.ts'

/**
 * The last net of a process that is an engine's own: a promise that was refused, and that nobody waits for, is a bug, and does not
 * end the process. It is written to the log with its stack, and counted. An exception nobody catches still ends the process:
 * what it left half-done is not known, and a start finds everything as it last was on the disk.
 * @param log where to, at that moment
 * @returns how often it has held so far
 */
export function castLastNet(log: () => Log): () => number {
  let count = 0
  process.on('unhandledRejection', (error) => {
    count += 1
    // Of errors that are expected the log has no stack: here it is what is looked for.
    log().error('engine.unheard', { error, stack: error instanceof Error ? error.stack : undefined })
  })
  return () => count
}
