import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { openDatabase } from '../../../app/library/index.ts'
import type { Manifest } from '../../../app/manifest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { FileKeys, KeptKeyStore, makeEnvelope, newFileKey } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { SeaPair } from '../../../app/vault/index.ts'
import { encryptBytes, encryptedManifest, patternBytes } from '../../support/encrypted-item.ts'
import { tempDir } from '../../support/temp-dir.ts'

const me = seaPairFromSeed(Buffer.alloc(64, 7))
const other = seaPairFromSeed(Buffer.alloc(64, 8))
const plain = patternBytes(1000)
const bytes = encryptBytes(plain)
const { fileKey, mediaId } = bytes
const keyNeeded = { code: 'KEY_NEEDED' }

async function setUp(options: { maxCached?: number } = {}) {
  const dir = await tempDir()
  const clock = { now: 1_000, nowMs: () => clock.now }
  const file = dir.file('sower.db')
  const db = openDatabase(file, { log: silentLog, clock })
  onTestFinished(async () => {
    db.close()
    await dir[Symbol.asyncDispose]()
  })
  const wallet: { pair: SeaPair | undefined } = { pair: me }
  const pair = () => {
    if (wallet.pair === undefined) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    return wallet.pair
  }
  const fileKeys = () => new FileKeys({ pair, store: new KeptKeyStore(db), clock, ...options })
  return { keys: fileKeys(), fileKeys, wallet, clock, db }
}

async function manifestFor(pair: SeaPair, key = fileKey): Promise<Manifest> {
  const recipients = [{ owner: '', pub: pair.pub, epub: pair.epub }]
  const keyEnvelope = await makeEnvelope({ fileKey: key, mediaId, version: 1, recipients })
  return encryptedManifest(plain, bytes, { keyEnvelope })
}

describe('the keys of files', () => {
  it('come out of the envelope, each time as a copy', async () => {
    const { keys } = await setUp()
    const manifest = await manifestFor(me)
    const first = await keys.get(manifest)
    expect(first).toEqual(fileKey)
    first.fill(0)
    const second = await keys.get(manifest)
    expect(second).toEqual(fileKey)
    second.fill(0)
    expect(await keys.get(manifest)).toEqual(fileKey)
  })

  it('are needed when the envelope is for others', async () => {
    const { keys } = await setUp()
    await expect(keys.get(await manifestFor(other))).rejects.toMatchObject(keyNeeded)
    await expect(keys.get(encryptedManifest(plain, bytes))).rejects.toMatchObject(keyNeeded)
  })

  it('that the item was not encrypted with are refused', async () => {
    const { keys } = await setUp()
    await expect(keys.get(await manifestFor(me, newFileKey()))).rejects.toMatchObject({
      code: 'ENVELOPE_INVALID',
    })
  })

  it('cannot be had while the wallet is locked, although they were a moment ago', async () => {
    const { keys, wallet } = await setUp()
    const manifest = await manifestFor(me)
    await keys.get(manifest)
    wallet.pair = undefined
    const locked = { code: 'KEYCHAIN_LOCKED' }
    await expect(keys.get(manifest)).rejects.toMatchObject(locked)
    await expect(keys.keep(manifest, fileKey)).rejects.toMatchObject(locked)
  })

  it('are not remembered for another wallet', async () => {
    const { keys, wallet } = await setUp()
    const manifest = await manifestFor(me)
    await keys.get(manifest)
    keys.forgetAll()
    wallet.pair = other
    await expect(keys.get(manifest)).rejects.toMatchObject(keyNeeded)
  })

  it('that were on their way when everything was forgotten are not remembered', async () => {
    const { keys, wallet } = await setUp()
    const manifest = await manifestFor(me)
    const underWay = keys.get(manifest)
    keys.forgetAll()
    await underWay
    wallet.pair = other
    await expect(keys.get(manifest)).rejects.toMatchObject(keyNeeded)
  })

  it('are remembered up to a limit', async () => {
    const { keys, wallet } = await setUp({ maxCached: 1 })
    const first = await manifestFor(me)
    const second = encryptBytes(patternBytes(5))
    const recipients = [{ owner: '', pub: me.pub, epub: me.epub }]
    const keyEnvelope = await makeEnvelope({ ...second, version: 1, recipients })
    await keys.get(first)
    await keys.get(encryptedManifest(patternBytes(5), second, { keyEnvelope }))
    wallet.pair = other
    await expect(keys.get(first)).rejects.toMatchObject(keyNeeded)
  })
})

describe('keys that came with a link', () => {
  it('are kept boxed for the owner alone, and found again by the next start', async () => {
    const { keys, fileKeys, db, wallet } = await setUp()
    const manifest = await manifestFor(other)
    await keys.keep(manifest, fileKey)
    expect(await fileKeys().get(manifest)).toEqual(fileKey)
    const dump = JSON.stringify(db.sql.prepare('SELECT * FROM kept_keys').all())
    expect(dump).toContain(mediaId)
    for (const encoding of ['base64url', 'base64', 'hex'] as const) {
      expect(dump).not.toContain(fileKey.toString(encoding))
    }
    wallet.pair = seaPairFromSeed(Buffer.alloc(64, 9))
    await expect(fileKeys().get(manifest)).rejects.toMatchObject(keyNeeded)
  })

  it('are refused, and not kept, when they are not this item’s', async () => {
    const { keys, db } = await setUp()
    await expect(keys.keep(await manifestFor(other), newFileKey())).rejects.toMatchObject({
      code: 'LINK_INVALID',
    })
    expect(db.sql.prepare('SELECT count(*) AS n FROM kept_keys').get()).toEqual({ n: 0 })
  })

  it('help when the box in the envelope is damaged', async () => {
    const { keys } = await setUp()
    const manifest = await manifestFor(me, newFileKey())
    await keys.keep(manifest, fileKey)
    expect(await keys.get(manifest)).toEqual(fileKey)
  })

  it('are forgotten when the link asked for it, also those in memory', async () => {
    const { keys, clock, db } = await setUp()
    const manifest = await manifestFor(other)
    await keys.keep(manifest, fileKey, 2_000)
    expect(await keys.get(manifest)).toEqual(fileKey)
    clock.now = 2_000
    await expect(keys.get(manifest)).rejects.toMatchObject(keyNeeded)
    expect(db.sql.prepare('SELECT count(*) AS n FROM kept_keys').get()).toEqual({ n: 0 })
  })

  it('last as long as the newest link says', async () => {
    const { keys, clock } = await setUp()
    const manifest = await manifestFor(other)
    await keys.keep(manifest, fileKey, 2_000)
    await keys.keep(manifest, fileKey)
    clock.now = 5_000
    expect(await keys.get(manifest)).toEqual(fileKey)
  })
})
