import { InvalidArgumentError } from 'commander'

const UNIT_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const LONGEST_MS = 3650 * 86_400_000

/** `90m`, `12h`, `7d` or `4w` in milliseconds. @throws {InvalidArgumentError} */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,6})([mhdw])$/.exec(text.trim()) ?? []
  const durationMs = Number(digits) * (UNIT_MS[unit] ?? 0)
  if (durationMs > 0 && durationMs <= LONGEST_MS) return durationMs
  throw new InvalidArgumentError('It must be a time of at most ten years, such as 90m, 12h, 7d or 4w.')
}
