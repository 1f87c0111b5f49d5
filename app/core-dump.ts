import { writeFileSync } from 'node:fs'

const FILTER = '/proc/self/coredump_filter'

/**
 * Keeps the memory of this process, which holds keys, out of core dumps, where a program can say so for itself: on Linux.
 * Elsewhere it is the system's `ulimit -c`.
 * @returns whether it could
 * @see core(5), “Controlling which mappings are written to the core dump”
 */
export function keepMemoryOutOfCoreDumps(): boolean {
  if (process.platform !== 'linux') return false
  try {
    writeFileSync(FILTER, '0')
    return true
  } catch {
    // A kernel without it, or /proc is not there: as safe as any other program.
    return false
  }
}
