import { createHash, hkdfSync } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { AppError, type Transfer } from '../../app/contract/index.ts'
import { plainOpener } from '../../app/engine-plain.ts'
import { sealReader } from '../../app/engine-sealed.ts'
import { reachOf } from '../../app/engine-view.ts'
import { Fetcher, type BeginArgs, type FetchNetwork, type Patience } from '../../app/fetching/index.ts'
import { HashPool, hashFile } from '../../app/ingest/index.ts'
import { KeptFolder, Library, MediaFolder, openDatabase, TransferStore } from '../../app/library/index.ts'
import { canonicalJson, type OwnerSigner } from '../../app/manifest/index.ts'
import { Outbound } from '../../app/outbound/index.ts'
import { systemClock } from '../../app/ports/clock.ts'
import type { Clock } from '../../app/ports/clock.ts'
import { silentLog } from '../../app/ports/log.ts'
import type { PlainFile } from '../../app/ports/plain-file.ts'
import { Swarm, type SwarmOptions } from '../../app/seeding/index.ts'
import { FileKeys, KeptKeys, type Recipient, type SeaPair } from '../../app/vault/index.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import { quietOptions } from './swarms.ts'
import { untilTransfer } from './until-transfer.ts'

/** A wallet made of a word. */
export function testSigner(word: string): OwnerSigner {
  const secret = createHash('sha256').update(word).digest()
  return {
    publicKey: Buffer.from(secp256k1.getPublicKey(secret)).toString('hex'),
    sign: (hash32) => secp256k1.sign(hash32, secret, { prehash: false, lowS: true }),
  }
}

/** The SEA pair that goes with it. */
export function testPair(word: string): SeaPair {
  return seaPairFromSeed(Buffer.from(hkdfSync('sha256', word, '', 'test', 64)))
}

/** Somebody with that wallet, as others share with them. */
export function testRecipient(word: string): Recipient {
  const { pub, epub } = testPair(word)
  return { owner: testSigner(word).publicKey, pub, epub }
}

export interface FetchNode extends AsyncDisposable {
  readonly fetcher: Fetcher
  readonly library: Library
  readonly transfers: TransferStore
  readonly swarm: Swarm
  readonly mediaDir: string
  readonly keptKeys: KeptKeys
  readonly peerPort: number
  /** The item itself, decrypted where it is encrypted. */
  openHeld(mediaId: string): Promise<PlainFile>
  /** Another wallet state; everybody who listens hears of it. */
  setWalletOpen(isOpen: boolean): Promise<void>
  /** Begins and waits until it is over. */
  get(args: BeginArgs): Promise<Transfer>
  /** Resolves with the transfer once `isIt` holds. */
  until(id: string, isIt: (transfer: Transfer) => boolean, timeoutMs?: number): Promise<Transfer>
  /** Names left in `.incoming`. */
  incoming(): Promise<string[]>
  close(): Promise<void>
}

interface FetchNodeOptions {
  readonly root: string
  readonly owner?: string
  readonly trackers?: readonly string[]
  readonly swarm?: Partial<SwarmOptions>
  readonly patience?: Partial<Patience>
  readonly isWalletOpen?: boolean
  readonly ipfsGateways?: readonly string[]
  readonly arweaveGateways?: readonly string[]
  readonly network?: FetchNetwork
  readonly clock?: Clock
}

/** The parts of a node that fetch, seed and keep, on real files and sockets; the rest of the engine is not needed. */
export async function openFetchNode(options: FetchNodeOptions): Promise<FetchNode> {
  const { root, owner = 'holder', trackers = [], patience = {}, network } = options
  const { ipfsGateways = [], arweaveGateways = [] } = options
  const log = silentLog
  const { clock = systemClock } = options
  const mediaDir = path.join(root, 'media')
  const db = openDatabase(path.join(root, 'data', 'sower.db'), { log, clock })
  const transfers = new TransferStore({ db, clock })
  const folder = new MediaFolder({ dir: mediaDir, log, clock })
  const pool = new HashPool({ log })
  const signer = testSigner(owner)
  let isWalletOpen = options.isWalletOpen ?? true
  const walletListeners = new Set<() => void>()
  const whenOpen = <T>(value: T): T => {
    if (!isWalletOpen) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    return value
  }
  const pair = testPair(owner)
  const seaPair = () => whenOpen(pair)
  const kept = new KeptKeys({ db, folder: new KeptFolder(folder), pair: seaPair })
  const fileKeys = new FileKeys({ pair: seaPair, kept, clock })
  const library = new Library({
    db,
    folder,
    clock,
    log,
    owner: () => (isWalletOpen ? signer.publicKey : null),
    openSealed: sealReader(fileKeys),
    verifyBytes: async (file, signal) => (await hashFile(pool, { path: file, signal })).sha256,
  })
  await library.start()
  const swarm = new Swarm({
    options: { ...quietOptions, trackers, ...options.swarm },
    open: (mediaId) => library.openForServing(mediaId),
    manifest: async (mediaId) => Buffer.from(canonicalJson(await library.manifest(mediaId))),
    clock,
    log,
  })
  const { peerPort } = await swarm.start()
  library.outbox.drain({
    seed: async (mediaId) => {
      const row = library.get(mediaId)
      if (row?.infoHash === undefined) return
      swarm.seed({
        mediaId,
        infoHash: row.infoHash,
        metainfoPath: folder.paths(mediaId).metainfo,
        sizeBytes: row.sizeBytes,
        reach: reachOf(row),
      })
      await Promise.resolve()
    },
  })
  const outbound = new Outbound()
  const openHeld = plainOpener({ library, fileKeys })
  const fetcher = new Fetcher({
    library,
    transfers,
    folder,
    swarm,
    outbound,
    pool,
    signer: () => whenOpen(signer),
    keys: {
      pair: () => whenOpen(pair),
      files: fileKeys,
      onChange: (listener) => {
        walletListeners.add(listener)
        return () => walletListeners.delete(listener)
      },
    },
    openHeld,
    settings: {
      get: () => ({
        trackers: [...trackers],
        isSeedingAfterGet: true,
        isDhtEnabled: false,
        isLsdEnabled: false,
        ipfsGateways: [...ipfsGateways],
        arweaveGateways: [...arweaveGateways],
      }),
    },
    network,
    clock,
    log,
    patience: { sourcesMs: 3000, metainfoMs: 1500, stallMs: 5000, describeMs: 3000, ...patience },
  })
  fetcher.start()

  const until = untilTransfer(transfers)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await fetcher.stop()
      outbound.close()
      await swarm.stop()
      await library.stop()
      transfers.stop()
      await pool.close()
      db.close()
    })()
    return closing
  }
  return {
    fetcher,
    library,
    transfers,
    swarm,
    mediaDir,
    keptKeys: kept,
    peerPort,
    openHeld,
    setWalletOpen: async (isOpen) => {
      isWalletOpen = isOpen
      fileKeys.forgetAll()
      await library.reopenSealed()
      for (const listener of walletListeners) listener()
    },
    until,
    get: async (args) => {
      const id = await fetcher.begin(args)
      return until(id, ({ state }) => state === 'done' || state === 'failed')
    },
    incoming: () => fs.readdir(path.join(mediaDir, '.incoming')),
    close,
    [Symbol.asyncDispose]: close,
  }
}
