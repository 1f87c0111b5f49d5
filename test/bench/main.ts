import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machineFacts, table, type Benchmark, type Row } from './report.ts'

/**
 * `npm run bench [-- FILTER] [--quick] [--dir FOLDER]`: runs every benchmark of this folder whose name contains FILTER and
 * prints one table of ratios. `--dir` says on which disk.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, dir: { type: 'string', default: os.tmpdir() } },
})
const [filter = ''] = positionals

const here = path.dirname(fileURLToPath(import.meta.url))
const benchmarks: Benchmark[] = []
for (const file of (await readdir(here)).toSorted()) {
  if (!file.endsWith('.ts') || file === 'main.ts' || file === 'report.ts') continue
  const module: unknown = await import(new URL(file, import.meta.url).href)
  if (hasBenchmark(module) && module.benchmark.name.includes(filter)) benchmarks.push(module.benchmark)
}

console.log(machineFacts())
const rows: Row[] = []
const failed: string[] = []
for (const benchmark of benchmarks) {
  for (const [program, version] of Object.entries(benchmark.versions?.() ?? {})) {
    console.log(`${benchmark.name}: against ${program} ${version}`)
  }
  const dir = await mkdtemp(path.join(values.dir, 'sower-bench-'))
  try {
    rows.push(...(await benchmark.run({ isQuick: values.quick, dir })))
  } catch (error) {
    console.error(`${benchmark.name} failed:`, error)
    failed.push(benchmark.name)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
console.log(`\n${table(rows)}`)
if (values.quick) console.log('\nSmall sizes and few rounds: this only shows that the benchmarks run.')
if (benchmarks.length === 0) console.error(`No benchmark's name contains “${filter}”.`)
process.exit(failed.length === 0 && benchmarks.length > 0 ? 0 : 1)

function hasBenchmark(module: unknown): module is { readonly benchmark: Benchmark } {
  return typeof module === 'object' && module !== null && 'benchmark' in module
}
