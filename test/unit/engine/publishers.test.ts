import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Publishers } from '../../../app/engine-publishers.ts'
import { openDatabase } from '../../../app/library/index.ts'
import type { Db } from '../../../app/library/index.ts'
import { Followed } from '../../../app/network/followed.ts'
import { ManifestStore } from '../../../app/network/manifest-store.ts'
import { systemClock } from '../../../app/ports/clock.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { Catalogue } from '../../../app/search/index.ts'
import { Contacts } from '../../../app/vault/index.ts'
import { cardLink, makeCard } from '../../../app/vault/contacts/card.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { makeManifest } from '../../support/network-items.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const me = testSigner(1)
const anna = testSigner(2)
const mallory = testSigner(3)
const pairs = [4, 5, 6].map((seed) => seaPairFromSeed(Buffer.alloc(64, seed)))
const [MINE, ANNAS, MALLORYS] = pairs.map(({ pub }) => pub) as [string, string, string]

let dir: TempDir
let db: Db
let store: ManifestStore
let catalogue: Catalogue
let contacts: Contacts
let followed: Followed
let publishers: Publishers

beforeEach(async () => {
  dir = await tempDir()
  db = openDatabase(dir.file('sower.db'), { log: silentLog, clock: systemClock })
  store = new ManifestStore(db)
  catalogue = new Catalogue(db)
  contacts = new Contacts({ db, clock: systemClock, owner: () => me.publicKey, ownKeys: () => undefined })
  followed = new Followed(db, systemClock)
  publishers = new Publishers({
    contacts,
    catalogue,
    network: {
      followed,
      knownOf: (mediaId) => store.ofItem(mediaId),
    },
    vault: { owner: () => me.publicKey, selfIfOpen: () => ({ ...pairs[0], owner: me.publicKey }) } as never,
  })
})
afterEach(async () => {
  db.close()
  await dir[Symbol.asyncDispose]()
})

function cardOfAnna(name?: string): string {
  const { pub = '', epub = '' } = pairs[1] ?? {}
  return cardLink(makeCard({ signer: anna, pub, epub, nodes: [], name, nowMs: Date.now() }))
}

/** Something of `owner`, found in a space, or only as a hint. */
function known(name: string, owner = anna, space: string | null = ANNAS): string {
  const pub = space ?? undefined
  const manifest = makeManifest(owner, name)
  store.keep(manifest, { pub, nowMs: 1 })
  catalogue.put([
    {
      mediaId: manifest.id,
      owner: owner.publicKey,
      name,
      mime: 'video/mp4',
      sizeBytes: 1,
      createdAtMs: 1,
      accessLevel: 'public',
      sharedWith: [],
      version: 1,
      pub,
      isSealed: false,
    },
  ])
  return manifest.id
}

describe('following', () => {
  it('takes a card, an owner key of a contact, a SEA key, a link that names them, and the id of something of theirs', () => {
    contacts.add(cardOfAnna('Anna'))
    const id = known('film.mp4')
    for (const given of [
      cardOfAnna(),
      anna.publicKey,
      ANNAS,
      `sower://media/${id}?v=1&pub=${ANNAS}`,
      `did:gun:media:${id}`,
    ]) {
      for (const { pub } of followed.list()) followed.remove(pub)
      expect(publishers.follow(given)).toMatchObject({
        pub: ANNAS,
        owner: anna.publicKey,
        name: 'Anna',
        isFollowed: true,
        isContact: true,
        items: 1,
      })
      expect(publishers.followed()).toEqual({ owners: [anna.publicKey], pubs: [] })
    }
  })

  it('takes the owner key of somebody whose space is known, and their own name for them', () => {
    known('film.mp4')
    expect(publishers.follow(anna.publicKey, 'A.')).toMatchObject({
      pub: ANNAS,
      name: 'A.',
      isContact: false,
    })
    expect(publishers.nameOf(anna.publicKey)).toBe('A.')
  })

  it('refuses oneself by any key, and somebody of whom nobody told where they write', () => {
    for (const given of [me.publicKey, MINE]) expect(() => publishers.follow(given)).toThrow(/yourself/)
    expect(() => publishers.follow(anna.publicKey)).toThrow(/not known yet/)
    known('only a hint.mp4', anna, null)
    expect(publishers.find(anna.publicKey)).toMatchObject({ pub: '', items: 1, isFollowed: false })
    expect(() => publishers.follow(anna.publicKey)).toThrow(/not known yet/)
  })

  it('refuses a link that several sign for, or nobody does', () => {
    const id = known('film.mp4')
    store.keep(makeManifest(mallory, 'film.mp4'), { pub: MALLORYS, nowMs: 2 })
    for (const given of [`did:gun:media:${id}`, `did:gun:media:${'ab'.repeat(32)}`])
      expect(() => publishers.follow(given)).toThrow(/does not say who/)
  })

  it('forgets only who was followed', () => {
    publishers.follow(ANNAS)
    expect(publishers.followed()).toEqual({ owners: [], pubs: [ANNAS] })
    expect(() => publishers.unfollow(MALLORYS)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    publishers.unfollow(ANNAS)
    expect(publishers.list()).toEqual([])
  })
})

it('knows whose a space is by everything found in it, unless that is of several', () => {
  const id = known('film.mp4')
  const anna1 = { pub: ANNAS, owner: anna.publicKey, items: 1 }
  expect(publishers.find(`sower://media/${id}?v=1&pub=${ANNAS}`)).toMatchObject(anna1)
  expect(publishers.find(ANNAS)).toMatchObject(anna1)
  known('copied.mp4', mallory, ANNAS)
  expect(publishers.find(ANNAS)).toMatchObject({ pub: ANNAS, items: 2 })
  expect(publishers.find(ANNAS).owner).toBeUndefined()
})

it('takes nobody for followed because somebody who is copied their manifest', () => {
  followed.add({ pub: MALLORYS, owner: mallory.publicKey, name: 'Mallory' })
  known('copied.mp4', anna, MALLORYS)
  expect(publishers.find(anna.publicKey)).toMatchObject({ owner: anna.publicKey, isFollowed: false })
  expect(publishers.nameOf(anna.publicKey)).toBeUndefined()
})
