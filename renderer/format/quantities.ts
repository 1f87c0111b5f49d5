import { currentLocale } from '../strings/t.ts'

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

function scaled(bytes: number): { value: number; unit: (typeof UNITS)[number] } {
  let value = Math.max(0, bytes)
  let index = 0
  // 999.5 would be written "1,000 kB": step up before rounding does.
  while (value >= 999.5 && index < UNITS.length - 1) {
    value /= 1000
    index += 1
  }
  return { value, unit: UNITS[index] ?? 'byte' }
}

const formatters = new Map<string, Intl.NumberFormat>()

function unitFormat(unit: string, digits: number): Intl.NumberFormat {
  const key = `${currentLocale()}|${unit}|${digits}`
  const known = formatters.get(key)
  if (known !== undefined) return known
  const made = new Intl.NumberFormat(currentLocale(), {
    style: 'unit',
    unit,
    // English writes "9 byte" in the short form.
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: digits,
  })
  formatters.set(key, made)
  return made
}

const digitsFor = (value: number, unit: string): number => (unit === 'byte' ? 0 : value < 100 ? 1 : 0)

/** `1.4 GB`: decimal units, as file managers and network rates use. */
export function formatSize(bytes: number): string {
  const { value, unit } = scaled(bytes)
  return unitFormat(unit, digitsFor(value, unit)).format(value)
}

/** `1.2 MB/s`. */
export function formatRate(bytesPerSec: number): string {
  const { value, unit } = scaled(bytesPerSec)
  if (unit === 'byte') return unitFormat('kilobyte-per-second', 1).format(value / 1000)
  return unitFormat(`${unit}-per-second`, digitsFor(value, unit)).format(value)
}

/** `42 %`, never 100 before it is done. */
export function formatPercent(ratio01: number): string {
  const floored = Math.floor(Math.min(1, Math.max(0, ratio01)) * 100) / 100
  return new Intl.NumberFormat(currentLocale(), { style: 'percent', maximumFractionDigits: 0 }).format(
    floored,
  )
}

/** `45 sec`, `12 min`, `3 hr 5 min`: how long something still takes, rounded up. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  if (seconds < 60) return unitFormat('second', 0).format(seconds)
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return unitFormat('minute', 0).format(minutes)
  const hours = Math.floor(minutes / 60)
  const text = unitFormat('hour', 0).format(hours)
  return minutes % 60 === 0 ? text : `${text} ${unitFormat('minute', 0).format(minutes % 60)}`
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000_000],
  ['month', 2_592_000_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

/** `4 minutes ago`. */
export function formatAgo(atMs: number, nowMs: number): string {
  // Views look at the clock twice a minute only: what came since is no prophecy.
  const delta = atMs - nowMs > 0 && atMs - nowMs < 60_000 ? 0 : atMs - nowMs
  const format = new Intl.RelativeTimeFormat(currentLocale(), { numeric: 'auto' })
  for (const [unit, size] of STEPS) {
    if (Math.abs(delta) >= size) return format.format(Math.trunc(delta / size), unit)
  }
  return format.format(0, 'second')
}

/** `22 Nov 2026, 15:23`. */
export function formatMoment(atMs: number): string {
  return new Intl.DateTimeFormat(currentLocale(), { dateStyle: 'medium', timeStyle: 'short' }).format(atMs)
}
