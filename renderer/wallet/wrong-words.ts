import type { ErrorShape } from '../../app/contract/index.ts'

/** Which words (from 1) an error is about; none when it is about all of them. */
export function wrongPositions(error: ErrorShape | null): ReadonlySet<number> {
  const { positions, position } = error?.details ?? {}
  const found: unknown[] = Array.isArray(positions) ? positions : [position]
  return new Set(found.filter((one): one is number => typeof one === 'number'))
}
