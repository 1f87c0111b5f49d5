import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase, type Db } from '../../../app/library/index.ts'
import { ManifestStore } from '../../../app/network/manifest-store.ts'
import { reachOf } from '../../../app/network/reach.ts'
import { verifyRevocation } from '../../../app/sharing/index.ts'
import { systemClock } from '../../../app/ports/clock.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { makeManifest, makeRevocation } from '../../support/network-items.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const owner = testSigner(1)
const other = testSigner(2)
let dir: TempDir
let db: Db
let store: ManifestStore
beforeEach(async () => {
  dir = await tempDir()
  db = openDatabase(dir.file('sower.db'), { log: silentLog, clock: systemClock })
  store = new ManifestStore(db)
})
afterEach(async () => {
  db.close()
  await dir[Symbol.asyncDispose]()
})

test('an older version never replaces a newer one', () => {
  const first = makeManifest(owner, 'a')
  const second = makeManifest(owner, 'a', { name: 'b', previous: first })
  expect(store.keep(second, { nowMs: 1 })).toBe('new')
  expect(store.keep(first, { nowMs: 2 })).toBe('older')
  expect(store.keep(second, { nowMs: 3 })).toBe('same')
  expect(store.find(first.id)).toMatchObject({
    manifest: second,
    conflicts: [],
    firstSeenMs: 1,
    confirmedMs: 3,
  })
})

test('says when a manifest turns up in a publisher’s space', () => {
  const manifest = makeManifest(owner, 'a')
  const pub = 'space'
  expect(store.keep(manifest, { nowMs: 1 })).toBe('new')
  expect(store.keep(manifest, { pub, nowMs: 2 })).toBe('placed')
  expect(store.keep(manifest, { pub, nowMs: 3 })).toBe('same')
  expect(store.keep(manifest, { nowMs: 4 })).toBe('same')
  expect(store.find(manifest.id)).toMatchObject({ pub, confirmedMs: 4 })
})

test('somebody else’s high version number hides nothing', () => {
  const mine = makeManifest(owner, 'a')
  let theirs = makeManifest(other, 'a', { name: 'taken over' })
  for (let version = 2; version <= 5; version += 1)
    theirs = makeManifest(other, 'a', { name: `v${version}`, previous: theirs })
  store.keep(mine, { nowMs: 1 })
  store.keep(theirs, { nowMs: 2 })
  expect(store.find(mine.id)).toMatchObject({ manifest: mine, otherOwners: 1 })
  expect(store.find(mine.id, { owner: other.publicKey })?.manifest).toEqual(theirs)
  expect(store.find(mine.id, { trusted: new Set([other.publicKey]) })?.manifest).toEqual(theirs)
  expect(store.find(mine.id, { owner: testSigner(3).publicKey })).toBeUndefined()
})

test('two versions with the same number are both kept and shown', () => {
  const first = makeManifest(owner, 'a')
  const left = makeManifest(owner, 'a', { name: 'left', previous: first })
  const right = makeManifest(owner, 'a', { name: 'right', previous: first })
  store.keep(first, { nowMs: 1 })
  store.keep(left, { nowMs: 2 })
  expect(store.keep(right, { nowMs: 3 })).toBe('conflict')
  expect(store.find(first.id)).toMatchObject({ manifest: left, conflicts: [right] })
  const third = makeManifest(owner, 'a', { name: 'settled', previous: right })
  expect(store.keep(third, { nowMs: 4 })).toBe('newer')
  expect(store.find(first.id)).toMatchObject({ manifest: third, conflicts: [] })
})

test('an item can’t be buried under owners or contradictions', () => {
  const first = makeManifest(owner, 'a')
  store.keep(first, { nowMs: 1 })
  for (let seed = 2; seed < 30; seed += 1) store.keep(makeManifest(testSigner(seed), 'a'), { nowMs: seed })
  for (let n = 0; n < 30; n += 1)
    store.keep(makeManifest(owner, 'a', { name: `other ${n}` }), { nowMs: 100 + n })
  const { rows } = db.prepare('SELECT count(*) AS rows FROM network_manifests').get() as { rows: number }
  expect(rows).toBeLessThanOrEqual(8 + 5)
  expect(store.find(first.id)?.manifest).toEqual(first)
})

test('a withdrawal counts for its owner’s manifest only, and survives new versions', () => {
  const mine = makeManifest(owner, 'a')
  store.keep(mine, { nowMs: 1 })
  expect(store.withdraw(makeRevocation(other, mine.id))).toBe(false)
  expect(store.withdraw(makeRevocation(owner, mine.id))).toBe(true)
  store.keep(makeManifest(owner, 'a', { name: 'b', previous: mine }), { nowMs: 2 })
  expect(store.find(mine.id)?.revocation?.reason).toBe('made again')
  expect(store.feed().items).toEqual([])
  expect(() => verifyRevocation({ ...makeRevocation(owner, mine.id), reason: 'else' })).toThrow(
    /signature does not hold/,
  )
})

test('the feed is paged, newest first, public items only', () => {
  for (let n = 0; n < 25; n += 1)
    store.keep(makeManifest(owner, `item ${n}`), { nowMs: 10 + (n >> 1), pub: n < 5 ? 'p' : undefined })
  store.keep(makeManifest(owner, 'secret', { accessLevel: 'private' }), { nowMs: 99 })
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = store.feed({ limit: 10, cursor })
    names.push(...page.items.map(({ manifest }) => manifest.name ?? ''))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(names).toHaveLength(25)
  expect(new Set(names).size).toBe(25)
  expect(names[0]).toBe('item 24')
  expect(store.feed({ pub: 'p' }).items).toHaveLength(5)
})

test('only public items are listed, only sealed ones shared with others are told of without being listed', () => {
  const encryption = { enabled: true, method: 'aes-256-gcm' as const, sealed: { iv: '00', data: 'x' } }
  const shared = { ...makeManifest(owner, 'a', { accessLevel: 'shared' }), encryption }
  const { name: _name, ...sealed } = shared
  expect(reachOf(makeManifest(owner, 'a'))).toBe('listed')
  expect(reachOf(sealed)).toBe('unlisted')
  expect(reachOf(shared)).toBe('none')
  expect(reachOf({ ...sealed, encryption: { enabled: false } })).toBe('none')
  expect(reachOf({ ...sealed, accessControl: { ...sealed.accessControl, access_level: 'private' } })).toBe(
    'none',
  )
  const { access_level: _level, ...unsaid } = sealed.accessControl
  expect(reachOf({ ...sealed, accessControl: unsaid })).toBe('none')
})

test('what can’t be kept counts as what is', () => {
  const first = makeManifest(owner, 'a')
  const second = makeManifest(owner, 'a', { name: 'b', previous: first })
  store.keep(first, { pub: 'space', nowMs: 1 })
  const found = (manifest: typeof first, pub?: string) => ({ manifest, pub, nowMs: 2 })
  const unkept = { manifests: [found(second), found(first)], revocations: [] }
  expect(store.find(first.id, {}, unkept)).toMatchObject({
    manifest: second,
    conflicts: [],
    pub: 'space',
    firstSeenMs: 1,
  })
  const theirs = { manifests: [found(makeManifest(other, 'a', { name: 'c' }), 'theirs')], revocations: [] }
  expect(store.find(first.id, {}, theirs)).toMatchObject({ manifest: first, otherOwners: 1 })
  expect(store.find(first.id, { pub: 'theirs' }, theirs)?.manifest.name).toBe('c')
  const revocation = makeRevocation(owner, first.id)
  const withdrawn = { manifests: [], revocations: [revocation] }
  expect(store.find(first.id, {}, withdrawn)).toMatchObject({ manifest: first, revocation })
  expect(store.find(first.id)?.revocation).toBeUndefined()
})
