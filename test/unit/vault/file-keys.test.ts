import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { KeptFolder, MediaFolder, openDatabase } from '../../../app/library/index.ts'
import type { Manifest } from '../../../app/manifest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { FileKeys, KeptKeys, makeEnvelope, newFileKey } from '../../../app/vault/index.ts'
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
  const folder = new MediaFolder({ dir: dir.file('media'), log: silentLog, clock })
  await folder.open()
  onTestFinished(async () => {
    folder.close()
    db.close()
    await dir[Symbol.asyncDispose]()
  })
  const wallet: { pair: SeaPair | undefined } = { pair: me }
  const pair = () => {
    if (wallet.pair === undefined) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    return wallet.pair
  }
  const kept = new KeptKeys({ db, folder: new KeptFolder(folder), pair })
  const fileKeys = () => new FileKeys({ pair, kept, clock, ...options })
  const root = path.join(folder.dir, '.kept')
  /** Everything that is kept in the media folder, by its path there. */
  const files = (): Map<string, string> => {
    const entries = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : []
    const found = entries.filter((entry) => entry.isFile())
    return new Map(
      found.map((entry) => {
        const file = path.join(entry.parentPath, entry.name)
        return [path.relative(root, file), readFileSync(file, 'utf8')]
      }),
    )
  }
  return { keys: fileKeys(), fileKeys, kept, wallet, clock, db, files, root }
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
    expect(() => keys.keep(manifest, fileKey)).toThrow(expect.objectContaining(locked))
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
  it('are kept sealed for the owner alone in the media folder, and found again by the next start', async () => {
    const { keys, fileKeys, files, wallet } = await setUp()
    const manifest = await manifestFor(other)
    keys.keep(manifest, fileKey)
    expect(await fileKeys().get(manifest)).toEqual(fileKey)
    expect([...files().keys()]).toEqual([expect.stringMatching(new RegExp(`^[0-9a-f]{32}/${mediaId}$`))])
    const dump = [...files()].flat().join('\n')
    for (const encoding of ['base64url', 'base64', 'hex'] as const) {
      expect(dump).not.toContain(fileKey.toString(encoding))
    }
    for (const part of [me.pub, me.epub].flatMap((key) => key.split('.'))) expect(dump).not.toContain(part)
    wallet.pair = seaPairFromSeed(Buffer.alloc(64, 9))
    await expect(fileKeys().get(manifest)).rejects.toMatchObject(keyNeeded)
  })

  it('are refused, and not kept, when they are not this item’s', async () => {
    const { keys, files } = await setUp()
    const manifest = await manifestFor(other)
    expect(() => keys.keep(manifest, newFileKey())).toThrow(expect.objectContaining({ code: 'LINK_INVALID' }))
    expect(files().size).toBe(0)
  })

  it('help when the box in the envelope is damaged', async () => {
    const { keys } = await setUp()
    const manifest = await manifestFor(me, newFileKey())
    keys.keep(manifest, fileKey)
    expect(await keys.get(manifest)).toEqual(fileKey)
  })

  it('are forgotten when the link asked for it, also those in memory', async () => {
    const { keys, clock, files } = await setUp()
    const manifest = await manifestFor(other)
    keys.keep(manifest, fileKey, 2_000)
    expect(await keys.get(manifest)).toEqual(fileKey)
    clock.now = 2_000
    await expect(keys.get(manifest)).rejects.toMatchObject(keyNeeded)
    expect(files().size).toBe(0)
  })

  it('say by their size neither whether they end nor for whom they are', async () => {
    const { keys, files, wallet } = await setUp()
    const manifest = await manifestFor(other)
    keys.keep(manifest, fileKey)
    wallet.pair = seaPairFromSeed(Buffer.alloc(64, 9))
    keys.keep(manifest, fileKey, 1_900_000_000_000)
    const [first, second, ...others] = [...files().values()]
    expect(others).toEqual([])
    expect(first?.length).toBe(second?.length)
  })

  it('that an older version kept in the database move to the media folder, but for those of another wallet', async () => {
    const { keys, kept, db, files, clock } = await setUp()
    const manifest = await manifestFor(other)
    const insert = db.sql.prepare('INSERT INTO kept_keys VALUES (?, ?, ?, 1)')
    const boxFor = async (pair: SeaPair) => {
      const recipients = [{ owner: '', pub: pair.pub, epub: pair.epub }]
      return JSON.stringify(await makeEnvelope({ fileKey, mediaId, version: 3, recipients }))
    }
    insert.run(mediaId, await boxFor(me), 2_000)
    insert.run('f'.repeat(64), await boxFor(other), null)
    await kept.moveAll()
    expect(db.sql.prepare('SELECT media_id FROM kept_keys').all()).toEqual([{ media_id: 'f'.repeat(64) }])
    expect(files().size).toBe(1)
    expect(await keys.get(manifest)).toEqual(fileKey)
    clock.now = 2_000
    await expect(keys.get(manifest)).rejects.toMatchObject(keyNeeded)
  })

  it('are as good as none where something lies in their way, and can be kept again when it is gone', async () => {
    const { keys, root, files } = await setUp()
    const manifest = await manifestFor(other)
    keys.keep(manifest, fileKey)
    const [name = ''] = files().keys()
    const file = path.join(root, name)
    rmSync(file)
    mkdirSync(file)
    await expect(keys.get(manifest)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(() => keys.keep(manifest, fileKey)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    rmdirSync(file)
    keys.keep(manifest, fileKey)
    expect(await keys.get(manifest)).toEqual(fileKey)
  })

  it('last as long as the link that lasts longest says', async () => {
    const { keys, clock } = await setUp()
    const manifest = await manifestFor(other)
    keys.keep(manifest, fileKey, 2_000)
    keys.keep(manifest, fileKey, 1_000)
    clock.now = 1_500
    expect(await keys.get(manifest)).toEqual(fileKey)
    keys.keep(manifest, fileKey)
    keys.keep(manifest, fileKey, 2_000)
    clock.now = 5_000
    expect(await keys.get(manifest)).toEqual(fileKey)
  })
})
