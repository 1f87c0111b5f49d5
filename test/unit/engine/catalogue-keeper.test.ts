import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CatalogueKeeper } from '../../../app/engine-catalogue.ts'
import { MediaId } from '../../../app/contract/index.ts'
import { openDatabase } from '../../../app/library/index.ts'
import type { Db, ItemRow } from '../../../app/library/index.ts'
import type { Manifest, Reader } from '../../../app/manifest/index.ts'
import { ManifestStore } from '../../../app/network/manifest-store.ts'
import { systemClock } from '../../../app/ports/clock.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { Catalogue } from '../../../app/search/index.ts'
import type { CatalogueEntry } from '../../../app/search/index.ts'
import { makeManifest, makeRevocation } from '../../support/network-items.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const me = testSigner(1)
const anna = testSigner(2)
const ben = testSigner(3)
const SELF: Reader = { kind: 'bearer', publicKey: me.publicKey, isNodeOwner: true }

let dir: TempDir
let db: Db
let store: ManifestStore
let catalogue: Catalogue
let rows: Map<string, ItemRow>
let withdrawn: Map<string, string>
let owner: string
let told: string[]
let keeper: CatalogueKeeper

beforeEach(async () => {
  dir = await tempDir()
  db = openDatabase(dir.file('sower.db'), { log: silentLog, clock: systemClock })
  store = new ManifestStore(db)
  catalogue = new Catalogue(db)
  rows = new Map()
  withdrawn = new Map()
  owner = me.publicKey
  told = []
  keeper = start()
})
afterEach(async () => {
  await keeper.stop()
  db.close()
  await dir[Symbol.asyncDispose]()
})

function start(): CatalogueKeeper {
  return new CatalogueKeeper({
    db,
    catalogue,
    library: {
      get,
      *kept() {
        for (const row of rows.values()) if (row.trashedAtMs === undefined) yield row
      },
    },
    network: {
      knownOf: (mediaId) => store.ofItem(mediaId),
      knownPart: (after, limit) => store.part(after, limit),
      isKnown: (mediaId, by) => store.has(mediaId, by),
    },
    withdrawnBy: (mediaId) => withdrawn.get(mediaId),
    owner: () => owner,
    log: silentLog,
    onChange: (mediaIds) => told.push(...mediaIds),
  })
}

function get(mediaId: string, options?: { readonly isTrashIncluded?: boolean }): ItemRow | undefined {
  const row = rows.get(mediaId)
  return row?.trashedAtMs !== undefined && options?.isTrashIncluded !== true ? undefined : row
}

function rowOf(manifest: Manifest, more: Partial<ItemRow> = {}): ItemRow {
  return {
    mediaId: MediaId.parse(manifest.id),
    name: manifest.name ?? 'media',
    mime: manifest.mime,
    sizeBytes: manifest.size,
    protection: 'none',
    sharedWith: [],
    hasConditions: false,
    accessLevel: manifest.accessControl.access_level ?? 'private',
    isSeedingWanted: true,
    isOwn: manifest.oip.creatorPubKey === me.publicKey,
    owner: manifest.oip.creatorPubKey,
    createdAt: manifest.createdAt,
    addedAtMs: Date.parse(manifest.createdAt),
    uploadedBytes: 0,
    manifestVersion: manifest.version,
    fileState: 'ok',
    ...more,
  }
}

function holdMany(count: number): void {
  const film = makeManifest(me, 'film')
  for (let n = 0; n < count; n += 1) {
    const id = n.toString(16).padStart(64, '0')
    rows.set(id, rowOf({ ...film, id, name: `film ${n}` }))
  }
}

const all = (): CatalogueEntry[] => catalogue.find({ limit: 100 }, SELF).entries
const names = (): string[] =>
  all()
    .map(({ name }) => name)
    .toSorted()
const keep = (manifest: Manifest, pub?: string): void => void store.keep(manifest, { pub, nowMs: Date.now() })

async function say(...manifests: Manifest[]): Promise<void> {
  keeper.changed(manifests.map(({ id }) => id))
  await keeper.settled()
}

describe('the library', () => {
  it('is findable as it is added, renamed, trashed, restored and removed for good', async () => {
    const film = makeManifest(me, 'film.mp4')
    rows.set(film.id, rowOf(film))
    await say(film)
    expect(names()).toEqual(['film.mp4'])

    rows.set(film.id, rowOf(film, { name: 'other.mp4' }))
    await say(film)
    expect(names()).toEqual(['other.mp4'])

    rows.set(film.id, rowOf(film, { trashedAtMs: 1 }))
    await say(film)
    expect(names()).toEqual([])

    rows.set(film.id, rowOf(film))
    await say(film)
    rows.delete(film.id)
    await say(film)
    expect(names()).toEqual([])
    expect(new Set(told)).toEqual(new Set([film.id]))
    expect(told).toHaveLength(5)
  })

  it('has the name from under a seal for its owner alone', async () => {
    const film = makeManifest(me, 'x', { accessLevel: 'shared', sharedWith: [anna.publicKey] })
    const sealed = { name: 'divorce.pdf', protection: 'readable', sharedWith: [anna.publicKey] } as const
    rows.set(film.id, rowOf(film, sealed))
    await say(film)
    expect(names()).toEqual(['divorce.pdf'])
    const other: Reader = { kind: 'bearer', publicKey: anna.publicKey, isNodeOwner: false }
    expect(catalogue.find({}, other).entries.map(({ name }) => name)).toEqual(['Encrypted item'])
    expect(catalogue.find({ text: 'divorce' }, other).entries).toEqual([])
  })

  it('says nothing twice: what did not change is not told', async () => {
    const film = makeManifest(me, 'film.mp4')
    rows.set(film.id, rowOf(film))
    await say(film)
    await say(film)
    await keeper.check()
    expect(told).toEqual([film.id])
  })
})

describe('the network', () => {
  it('is findable by what each publisher signed, newest version only', async () => {
    const first = makeManifest(anna, 'a', { name: 'old.mp4' })
    keep(first, 'p'.repeat(87))
    keep(makeManifest(ben, 'a', { name: 'by ben.mp4' }))
    await say(first)
    expect(names()).toEqual(['by ben.mp4', 'old.mp4'])
    keep(makeManifest(anna, 'a', { name: 'new.mp4', previous: first }))
    await say(first)
    expect(names()).toEqual(['by ben.mp4', 'new.mp4'])
    expect(catalogue.pubOf(anna.publicKey)).toBe('p'.repeat(87))
  })

  it('adds nothing to what is held of the same publisher', async () => {
    const film = makeManifest(anna, 'film.mp4')
    keep(film, 'p'.repeat(87))
    rows.set(film.id, rowOf(film))
    await say(film)
    expect(all()).toMatchObject([{ owner: anna.publicKey, pub: 'p'.repeat(87) }])
  })

  it('shows again what was thrown away here, unless it was one’s own', async () => {
    const theirs = makeManifest(anna, 'theirs.mp4')
    const own = makeManifest(me, 'own.mp4')
    for (const film of [theirs, own]) {
      keep(film)
      rows.set(film.id, rowOf(film, { trashedAtMs: 1 }))
    }
    await say(theirs, own)
    expect(names()).toEqual(['theirs.mp4'])
  })

  it('loses what its owner withdrew, and nobody else’s', async () => {
    const film = makeManifest(anna, 'a', { name: 'by anna.mp4' })
    keep(film)
    keep(makeManifest(ben, 'a', { name: 'by ben.mp4' }))
    await say(film)
    store.withdraw(makeRevocation(anna, film.id))
    await say(film)
    expect(names()).toEqual(['by ben.mp4'])
    withdrawn.set(film.id, ben.publicKey)
    await say(film)
    expect(names()).toEqual([])
  })

  it('brings shared items to those they are shared with alone', async () => {
    const shared = (to: string, name: string): Manifest =>
      makeManifest(anna, name, { accessLevel: 'shared', sharedWith: [to] })
    const mine = shared(me.publicKey, 'for me.mp4')
    const not = shared(ben.publicKey, 'for ben.mp4')
    keep(mine)
    keep(not)
    await say(mine, not)
    expect(names()).toEqual(['for me.mp4'])
    owner = ben.publicKey
    await keeper.check()
    expect(names()).toEqual(['for ben.mp4'])
  })

  it('puts nobody on top by a date to come, and shows no name that deceives', async () => {
    const later = makeManifest(anna, 'later', {
      createdAt: '2999-01-01T00:00:00.000Z',
      name: 'exe.\u202Egpj',
    })
    store.keep(later, { nowMs: 1000 })
    await say(later)
    expect(all()).toMatchObject([{ createdAtMs: 1000, name: 'exe.gpj' }])
  })
})

describe('the comparison of the start', () => {
  it('finds what is missing, old, withdrawn or gone, whatever was missed', async () => {
    const changed = makeManifest(anna, 'changed', { name: 'before.mp4' })
    const lost = makeManifest(anna, 'lost.mp4')
    const taken = makeManifest(anna, 'taken.mp4')
    const gone = makeManifest(me, 'gone.mp4')
    for (const film of [changed, taken]) keep(film)
    rows.set(gone.id, rowOf(gone))
    await say(changed, taken, gone)
    expect(names()).toEqual(['before.mp4', 'gone.mp4', 'taken.mp4'])

    // While nobody was told.
    keep(makeManifest(anna, 'changed', { name: 'after.mp4', previous: changed }))
    keep(lost)
    store.withdraw(makeRevocation(anna, taken.id))
    rows.clear()
    const held = makeManifest(me, 'held.mp4')
    rows.set(held.id, rowOf(held))

    await keeper.stop()
    told = []
    keeper = start()
    await keeper.check()
    expect(names()).toEqual(['after.mp4', 'held.mp4', 'lost.mp4'])
    expect(new Set(told)).toEqual(new Set([changed.id, lost.id, taken.id, gone.id, held.id]))
  })

  it('goes on between parts, so that nobody waits for it', async () => {
    holdMany(600)
    let turns = 0
    const timer = setInterval(() => (turns += 1), 0)
    await keeper.check()
    clearInterval(timer)
    expect(told).toHaveLength(600)
    expect(turns).toBeGreaterThan(2)
  })

  it('stops when it is told to, and takes in the rest at the next start', async () => {
    holdMany(1500)
    const checking = keeper.check()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await keeper.stop()
    await checking
    expect(told.length).toBeLessThan(1500)
    keeper = start()
    await keeper.check()
    expect(catalogue.part(0, 2000)).toHaveLength(1500)
  })
})
