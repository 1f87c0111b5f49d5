import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** One measured comparison. */
export interface Row {
  readonly what: string
  /** With its unit. */
  readonly ours: string
  /** With its unit, and whose it is. */
  readonly rival: string
  /** Ours to theirs where more is better; for limits the value itself. */
  readonly ratio: number
  readonly target?: { readonly atLeast: number } | { readonly atMost: number }
  readonly note?: string
}

export interface BenchmarkContext {
  /** Small sizes, few rounds: shows that it runs, proves nothing. */
  readonly isQuick: boolean
  /** A folder on a real disk, removed afterwards. */
  readonly dir: string
}

/** A module of this folder that exports one as `benchmark` is run by `main.ts`. */
export interface Benchmark {
  readonly name: string
  run(context: BenchmarkContext): Promise<Row[]>
  /** Programs it is compared with, and their versions. */
  versions?(): Record<string, string>
}

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Seconds that `work` takes. */
export async function seconds(work: () => unknown): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return (performance.now() - startedAtMs) / 1000
}

/** Runs the contestants in turns, so that what happens on the machine meanwhile hits all of them; medians in seconds. */
export async function interleave<const Names extends string>(
  rounds: number,
  contestants: Record<Names, () => unknown>,
): Promise<Record<Names, number>> {
  const times = new Map<Names, number[]>()
  // The keys of an object literal are its type's names.
  const names = Object.keys(contestants) as Names[]
  for (let round = 0; round < rounds; round++) {
    for (const name of names) times.set(name, [...(times.get(name) ?? []), await seconds(contestants[name])])
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<
    Names,
    number
  >
}

export function rate(bytes: number, inSeconds: number): string {
  return `${(bytes / inSeconds / 1e6).toFixed(0)} MB/s`
}

/** The first line a program says about itself. */
export function versionOf(program: string, ...args: readonly string[]): string {
  try {
    const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    return output.trim().split('\n')[0] ?? 'unknown'
  } catch {
    return 'not installed'
  }
}

/** The version of an installed package. */
export function packageVersion(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown'
}

export function machineFacts(): string {
  const [cpu] = os.cpus()
  const memoryGib = (os.totalmem() / GIB).toFixed(0)
  const load = os.loadavg().map((value) => value.toFixed(1))
  return (
    `${os.cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memoryGib} GiB, ${os.type()} ${os.release()}, ` +
    `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}, load ${load.join(' ')}`
  )
}

export function isMet({ ratio, target }: Row): boolean | undefined {
  if (target === undefined) return undefined
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost
}

export function table(rows: readonly Row[]): string {
  const head = ['what', 'ours', 'rival', 'ratio', 'target', '', 'note']
  const lines = rows.map((row) => [
    row.what,
    row.ours,
    row.rival,
    row.ratio.toFixed(2),
    targetText(row),
    verdict(row),
    row.note ?? '',
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => (line[column] ?? '').length)),
  )
  const print = (line: readonly string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [head, widths.map((width) => '-'.repeat(width)), ...lines].map(print).join('\n')
}

function targetText({ target }: Row): string {
  if (target === undefined) return ''
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
}

function verdict(row: Row): string {
  const met = isMet(row)
  if (met === undefined) return ''
  return met ? 'ok' : 'MISSED'
}
