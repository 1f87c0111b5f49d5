/** Lists and objects within each other: what is nested deeper was written to be hard to read. */
const MAX_DEPTH = 32

/**
 * Whether a value that was parsed from JSON is nested so deeply that what goes through it by recursion (`JSON.stringify`,
 * `structuredClone`) could run out of stack: a few KiB of JSON can be. Pure; without recursion itself.
 */
export function isNestedTooDeeply(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true
    level = level
      .filter((held) => typeof held === 'object' && held !== null)
      .flatMap((held) => Object.values(held) as unknown[])
  }
  return false
}
