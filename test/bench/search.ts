import { createHash } from 'node:crypto'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { CatalogueKeeper } from '../../app/engine-catalogue.ts'
import { openDatabase } from '../../app/library/index.ts'
import type { Db } from '../../app/library/index.ts'
import { ManifestStore } from '../../app/network/manifest-store.ts'
import { silentLog } from '../../app/ports/log.ts'
import { Catalogue } from '../../app/search/index.ts'
import type { CatalogueEntry } from '../../app/search/index.ts'
import { makeManifest } from '../support/network-items.ts'
import { testSigner } from '../unit/manifest/owner.ts'
import type { Benchmark, Row } from './report.ts'

const SYLLABLES = ['ba', 'do', 'fi', 'ga', 'ho', 'ju', 'ka', 'lo'].flatMap((start) =>
  ['m', 'n', 'r', 's', 't'].map((end) => start + end),
)
/** From the most common to the rare: as in natural text, rank r occurs in about one name of r. */
const WORDS = Array.from({ length: 2000 }, (_, rank) => `${SYLLABLES[rank % 40] ?? ''}${rank.toString(36)}`)

/** The same pseudo-random names every time (a linear congruential generator). */
function* namesOf(count: number): Generator<string> {
  let state = 1
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
  for (let n = 0; n < count; n += 1) {
    const words = Array.from({ length: 6 }, () => WORDS[Math.floor(WORDS.length ** random()) - 1] ?? 'film')
    yield `${words.join(' ')} ${String(n)}.mp4`
  }
}

function entryOf(name: string, n: number): CatalogueEntry {
  return {
    mediaId: n.toString(16).padStart(64, '0'),
    owner: `02${(n % 500).toString(16).padStart(64, '0')}`,
    name,
    mime: n % 3 === 0 ? 'audio/mpeg' : 'video/mp4',
    sizeBytes: 1000 + n,
    createdAtMs: 1_700_000_000_000 + n * 1000,
    accessLevel: 'public',
    sharedWith: [],
    version: 1,
    isSealed: false,
  }
}

function percentile95(timesMs: readonly number[]): number {
  return timesMs.toSorted((a, b) => a - b)[Math.floor(timesMs.length * 0.95)] ?? Number.NaN
}

function timed(queries: readonly string[], run: (text: string) => unknown): number {
  const times = queries.map((text) => {
    const startedAtMs = performance.now()
    run(text)
    return performance.now() - startedAtMs
  })
  return percentile95(times)
}

/** What ranking every match costs in the same database, as FTS5 does it by itself. */
function withBm25(db: Db, text: string): unknown {
  const match = text
    .split(' ')
    .map((word) => `"${word}" *`)
    .join(' AND ')
  return db
    .prepare(
      `SELECT rowid FROM catalogue_words WHERE catalogue_words MATCH ? ORDER BY bm25(catalogue_words) LIMIT 20`,
    )
    .all(match)
}

/** How long taking in everything the network brought keeps anybody waiting: the first time, and at every start after that. */
async function keepingEqual(db: Db, count: number): Promise<Row[]> {
  const store = new ManifestStore(db)
  const signed = makeManifest(testSigner(1), 'film')
  const names = namesOf(count)
  for (let done = 0; done < count; done += 1000) {
    db.write(() => {
      for (let n = done; n < Math.min(done + 1000, count); n += 1) {
        // Only the first is really signed: the store is given what was verified before.
        const id = createHash('sha256').update(String(n)).digest('hex')
        store.keep({ ...signed, id, name: String(names.next().value) }, { nowMs: n })
      }
    })
  }
  const rows: Row[] = []
  for (const what of ['taken in the first time', 'compared at a later start']) {
    const keeper = new CatalogueKeeper({
      db,
      catalogue: new Catalogue(db),
      library: { get: () => undefined, kept: function* () {} },
      network: {
        knownOf: (mediaId) => store.ofItem(mediaId),
        knownPart: (after, limit) => store.part(after, limit),
        isKnown: (mediaId, owner) => store.has(mediaId, owner),
      },
      withdrawnBy: () => undefined,
      owner: () => null,
      log: silentLog,
      onChange: () => undefined,
    })
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const startedAtMs = performance.now()
    await keeper.check()
    const tookMs = performance.now() - startedAtMs
    delay.disable()
    const waitMs = delay.percentile(99) / 1e6
    rows.push({
      what: `${String(count)} manifests ${what}: wait of others, p99`,
      ours: `${waitMs.toFixed(0)} ms, ${(tookMs / 1000).toFixed(1)} s in all`,
      rival: 'none',
      ratio: waitMs,
      target: { atMost: 50 },
      note: 'the value is milliseconds; nothing waits for it to end',
    })
  }
  return rows
}

export const benchmark: Benchmark = {
  name: 'search',
  run: async ({ isQuick, dir }) => {
    const count = isQuick ? 5000 : 100_000
    const db = openDatabase(path.join(dir, 'sower.db'), {
      log: silentLog,
      clock: { nowMs: () => Date.now() },
    })
    try {
      const catalogue = new Catalogue(db)
      let batch: CatalogueEntry[] = []
      let n = 0
      for (const name of namesOf(count)) {
        batch.push(entryOf(name, n))
        n += 1
        if (batch.length < 5000) continue
        catalogue.put(batch)
        batch = []
      }
      catalogue.put(batch)
      const common = WORDS.slice(0, 20)
      const mixes: [string, string[]][] = [
        ['one common word', common],
        ['a rare word', WORDS.slice(1500, 1600)],
        ['two words', common.flatMap((a) => common.slice(0, 5).map((b) => `${a} ${b}`))],
        [
          'three words',
          common.map((a, i) => `${a} ${common[(i + 3) % 20] ?? ''} ${common[(i + 7) % 20] ?? ''}`),
        ],
        ['the first three letters', WORDS.slice(0, 100).map((word) => word.slice(0, 3))],
      ]
      const rows: Row[] = []
      for (const [what, queries] of mixes) {
        const oursMs = timed(queries, (text) => catalogue.find({ text }, { kind: 'stranger' }))
        const rivalMs = timed(queries, (text) => withBm25(db, text))
        rows.push({
          what: `search among ${String(count)}: ${what}, p95`,
          ours: `${oursMs.toFixed(1)} ms`,
          rival: `${rivalMs.toFixed(1)} ms (FTS5 ranking all matches)`,
          ratio: oursMs,
          target: { atMost: 20 },
          note: 'the value is milliseconds',
        })
      }
      db.write(() => db.sql.exec('DELETE FROM catalogue; DELETE FROM catalogue_words'))
      return [...rows, ...(await keepingEqual(db, count))]
    } finally {
      db.close()
    }
  },
}
