import { createHash } from 'node:crypto'
import path from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Settings, Transfer } from '../../../app/contract/index.ts'
import { sealReader } from '../../../app/engine-sealed.ts'
import { Adder, hashFile, HashPool, type AdderOptions } from '../../../app/ingest/index.ts'
import { KeptFolder, Library, MediaFolder, openDatabase, TransferStore } from '../../../app/library/index.ts'
import type { OwnerSigner } from '../../../app/manifest/index.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { buildMetainfo, magnetURI } from '../../../app/seeding/metainfo.ts'
import { Contacts, FileKeys, KeptKeys } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { SeaPair } from '../../../app/vault/index.ts'

const secret = createHash('sha256').update('ingest tests').digest()
export const signer: OwnerSigner = {
  publicKey: Buffer.from(secp256k1.getPublicKey(secret)).toString('hex'),
  sign: (hash32) => secp256k1.sign(hash32, secret, { prehash: false, lowS: true }),
}

/** The SEA keys of the same wallet. */
export const pair = seaPairFromSeed(createHash('sha512').update('ingest tests').digest())

export const trackers = ['wss://tracker.example/announce']

export interface AddingNode {
  readonly adder: Adder
  readonly library: Library
  readonly transfers: TransferStore
  readonly folder: MediaFolder
  readonly contacts: Contacts
  readonly fileKeys: FileKeys
  readonly mediaDir: string
  /** The transfer once it is over. */
  readonly over: (id: string) => Promise<Transfer>
  readonly close: () => Promise<void>
}

interface NodeOptions {
  readonly root: string
  readonly mediaDir?: string
  readonly settings?: Partial<Pick<Settings, 'publicUrl' | 'reserveBytes'>>
  readonly overrides?: Partial<AdderOptions>
  /** The wallet: throws while it is locked. @defaultValue open, and the one of these tests */
  readonly seaPair?: () => SeaPair
  readonly owner?: () => string
}

/** Library, transfers and adder of one data folder, as the engine puts them together. */
export async function openNode({ root, settings, overrides, ...rest }: NodeOptions): Promise<AddingNode> {
  const { seaPair = () => pair, owner = () => signer.publicKey } = rest
  const mediaDir = rest.mediaDir ?? path.join(root, 'media')
  const clock = { nowMs: () => Date.now() }
  const db = openDatabase(path.join(root, 'sower.db'), { log, clock })
  const pool = new HashPool({ log })
  const folder = new MediaFolder({ dir: mediaDir, log, clock, reserveBytes: settings?.reserveBytes ?? 0 })
  const verifyBytes = async (file: string, signal: AbortSignal): Promise<string> =>
    (await hashFile(pool, { path: file, signal })).sha256
  const fileKeys = new FileKeys({
    pair: seaPair,
    kept: new KeptKeys({ db, folder: new KeptFolder(folder), pair: seaPair }),
    clock,
  })
  const contacts = new Contacts({ db, clock, owner: () => signer.publicKey, ownKeys: () => pair })
  const library = new Library({
    db,
    folder,
    verifyBytes,
    owner,
    openSealed: sealReader(fileKeys),
    clock,
    log,
  })
  const transfers = new TransferStore({ db, clock })
  await library.start()
  const adder = new Adder({
    library,
    transfers,
    folder,
    pool,
    buildMetainfo,
    magnetURI,
    trackers: () => trackers,
    webSeeds: () => [],
    signer: () => signer,
    self: () => ({ ...pair, owner: signer.publicKey }),
    contacts,
    requireSettled: () => undefined,
    settings: { get: () => ({ publicUrl: null, reserveBytes: 0, bootstrapBytes: 0, ...settings }) },
    clock,
    log,
    ...overrides,
  })
  adder.start()
  return {
    adder,
    library,
    transfers,
    folder,
    contacts,
    fileKeys,
    mediaDir,
    over: (id) => overOf(transfers, id),
    async close() {
      await adder.stop()
      transfers.stop()
      await library.stop()
      await pool.close()
      db.close()
    },
  }
}

function overOf(transfers: TransferStore, id: string): Promise<Transfer> {
  return new Promise((resolve) => {
    const look = (): boolean => {
      const transfer = transfers.get(id)
      if (transfer === undefined || !['done', 'failed', 'cancelled'].includes(transfer.state)) return false
      resolve(transfer)
      return true
    }
    if (look()) return
    const off = transfers.onChange(() => {
      if (look()) off()
    })
  })
}
