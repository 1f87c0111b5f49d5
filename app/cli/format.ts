import type { Transfer } from '../contract/index.ts'
import { printable } from './terminal.ts'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `1536000` → `1.5 MB` (decimal units). */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** `95000` → `1m 35s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
}

const STAGES: Readonly<Record<Transfer['stage'], string>> = {
  find: 'looking for sources',
  read: 'reading',
  download: 'downloading',
  verify: 'verifying',
  store: 'storing',
  seed: 'announcing',
}

/** One line about running transfers: stage, share, rate, time left. */
export function formatProgress(transfers: readonly Transfer[]): string {
  const running = transfers.filter(({ state }) => state === 'active' || state === 'queued')
  const [first] = running
  if (first === undefined) return ''
  const done = sum(transfers, ({ bytesDone }) => bytesDone)
  const total = transfers.every(({ bytesTotal }) => bytesTotal !== undefined)
    ? sum(transfers, ({ bytesTotal }) => bytesTotal ?? 0)
    : undefined
  const rate = sum(running, ({ rateBytesPerSec }) => rateBytesPerSec)
  const parts = [
    transfers.length === 1 ? first.name : `${transfers.length - running.length} of ${transfers.length}`,
    first.state === 'queued' ? 'waiting' : first.isUnoffered ? 'nobody offers it now' : STAGES[first.stage],
    total === undefined || total === 0
      ? formatBytes(done)
      : `${Math.floor((100 * done) / total)} % of ${formatBytes(total)}`,
    rate > 0 ? `${formatBytes(rate)}/s` : '',
    rate > 0 && total !== undefined && total > done
      ? `${formatDuration(((total - done) / rate) * 1000)} left`
      : '',
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

/** Columns as wide as their widest cell; the last one free. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows
    .map((row) =>
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .map((line) => printable(line).trimEnd())
    .join('\n')
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

/** `1 item`, `2 items`. */
export function formatCount(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`
}
