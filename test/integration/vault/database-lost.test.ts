import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'
import type { MediaId } from '../../../app/contract/index.ts'
import { Library, MediaFolder, openDatabase } from '../../../app/library/index.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { cardLink, makeCard } from '../../../app/vault/contacts/card.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { MemoryKeychain } from '../../unit/vault/memory-keychain.ts'
import { Home, Node } from './engine-node.ts'

/** A card of somebody whose keys are made of a number. */
function cardOf(seed: number, name: string): string {
  const key = Buffer.alloc(32, seed)
  const { pub, epub } = seaPairFromSeed(Buffer.alloc(64, seed))
  const signer = {
    publicKey: Buffer.from(secp256k1.getPublicKey(key)).toString('hex'),
    sign: (hash: Uint8Array) => secp256k1.sign(hash, key, { prehash: false, lowS: true }),
  }
  return cardLink(makeCard({ signer, pub, epub, nodes: [], name, nowMs: Date.now() }))
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isSo());) {
    if (Date.now() > end) throw new Error(`it never came true that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const namesOf = async (node: Node): Promise<string[]> =>
  (await node.call('contacts.list', {})).contacts.map(({ name }) => name)

/** A node that reads an item of somebody else's by the key of its link, and knows two people. */
async function setUp() {
  const owner = await Node.start(new Home(), { keychain: new MemoryKeychain(), mode: 'headless' })
  const source = new Home().write('letter.txt', 'for whoever has the link '.repeat(4000))
  const mediaId = (await owner.add(source, { isEncrypted: true })) as MediaId
  const { link } = await owner.call('sharing.link', { mediaId, withKey: true })
  const home = new Home()
  const keychain = new MemoryKeychain()
  const node = await Node.start(home, { keychain })
  await node.call('fetching.start', { link, from: [`127.0.0.1:${owner.addresses.peerPort}`] })
  await until('it is fetched and read', async () => {
    const { items } = await node.call('library.list', {})
    return items[0]?.protection === 'readable'
  })
  await owner.stop()
  await node.call('contacts.add', { card: cardOf(7, 'Ben'), name: 'Ben from the choir' })
  await node.call('contacts.add', { card: cardOf(8, 'Cleo') })
  await node.call('contacts.add', { card: cardOf(9, 'Dora') })
  const [, , dora] = (await node.call('contacts.list', {})).contacts
  await node.call('contacts.remove', { owner: dora?.owner })
  await node.call('following.add', { publisher: cardOf(8, 'Cleo') })
  await node.call('following.add', { publisher: cardOf(10, 'Emil'), name: 'Emil of the films' })
  await node.call('following.add', { publisher: cardOf(11, 'Fritz') })
  const { publishers } = await node.call('following.list', {})
  await node.call('following.remove', { pub: publishers[2]?.pub })
  const { words } = await node.call('vault.reveal', {})
  await node.stop()
  const expectAllBack = async (again: Node): Promise<void> => {
    await until('it is read again', async () => {
      const { items } = await again.call('library.list', {})
      return items[0]?.protection === 'readable' && items[0].name === 'letter.txt'
    })
    expect(await namesOf(again)).toEqual(['Ben from the choir', 'Cleo'])
    expect((await again.call('following.list', {})).publishers).toEqual(publishers.slice(0, 2))
  }
  return { home, keychain, words, mediaId, expectAllBack }
}

describe('keys from links, contacts and whom one follows', () => {
  it('come back when the database was deleted', { timeout: 60_000 }, async () => {
    const { home, keychain, expectAllBack } = await setUp()
    for (const end of ['', '-wal', '-shm']) rmSync(home.path('data', `sower.db${end}`), { force: true })
    const node = await Node.start(home, { keychain })
    await expectAllBack(node)
    const { notices } = await node.call('node.status', {})
    const messages = notices.map(({ message }) => message)
    expect(messages).toContain('2 contacts came back from the media folder.')
    expect(messages).toContain('2 publishers you follow came back from the media folder.')
  })

  it('come back when the database was damaged, and what does not is said', { timeout: 60_000 }, async () => {
    const { home, keychain, expectAllBack } = await setUp()
    for (const end of ['-wal', '-shm']) rmSync(home.path('data', `sower.db${end}`), { force: true })
    writeFileSync(home.path('data', 'sower.db'), 'no database')
    const node = await Node.start(home, { keychain })
    await expectAllBack(node)
    const { notices } = await node.call('node.status', {})
    const notice = notices.find(({ code }) => code === 'DATABASE_CORRUPT')
    expect(notice?.message).toMatch(/contacts/)
    expect(notice?.message).toMatch(/follow/)
  })

  it('come back on another machine, from the media folder and the words', { timeout: 60_000 }, async () => {
    const { home, words, mediaId, expectAllBack } = await setUp()
    const clean = new Home()
    mkdirSync(clean.path('media'))
    cpSync(home.path('media'), clean.path('media'), { recursive: true })
    const node = await Node.start(clean, { keychain: new MemoryKeychain() })
    const { protection } = await node.call('library.get', { mediaId })
    expect(protection).toBe('needs-key')
    expect(await namesOf(node)).toEqual([])
    // A contact of the wallet that was made by itself, before the old one was brought back.
    await node.call('contacts.add', { card: cardOf(8, 'Cleo') })
    await node.call('vault.restore', { from: 'words', words: words.join(' ') })
    await expectAllBack(node)
  })

  it('are forgotten with the item, in the trash only when that is emptied', { timeout: 60_000 }, async () => {
    const { home, keychain, mediaId } = await setUp()
    const [wallet = ''] = readdirSync(home.path('media', '.kept'))
    const file = home.path('media', '.kept', wallet, mediaId)
    expect(existsSync(file)).toBe(true)
    const node = await Node.start(home, { keychain })
    await node.call('library.remove', { mediaIds: [mediaId] })
    expect(existsSync(file)).toBe(true)
    await node.stop()
    const month = 31 * 24 * 60 * 60 * 1000
    await sweepAt(home, Date.now() + month)
    expect(existsSync(file)).toBe(false)
    expect(readdirSync(home.path('media', '.kept', wallet))).toEqual(['contacts', 'followed'])
  })
})

/** Empties the trash as a library does that has been running until then. */
async function sweepAt(home: Home, nowMs: number): Promise<void> {
  const clock = { nowMs: () => nowMs }
  const db = openDatabase(home.path('data', 'sower.db'), { log, clock })
  db.setMeta('clock_seen_ms', String(nowMs))
  const folder = new MediaFolder({ dir: home.path('media'), log, clock })
  const library = new Library({ db, folder, clock, log, verifyBytes: () => Promise.resolve('') })
  await library.start()
  await library.sweepTrash()
  await library.stop()
  db.close()
}
