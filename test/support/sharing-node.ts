import { createHash } from 'node:crypto'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../app/contract/index.ts'
import type { Transfer } from '../../app/contract/index.ts'
import { plainOpener } from '../../app/engine-plain.ts'
import type { OpenPlain } from '../../app/engine-plain.ts'
import { sealReader } from '../../app/engine-sealed.ts'
import { Adder, hashFile, HashPool } from '../../app/ingest/index.ts'
import { KeptFolder, Library, MediaFolder, openDatabase, TransferStore } from '../../app/library/index.ts'
import type { ItemRow } from '../../app/library/index.ts'
import type { OwnerSigner } from '../../app/manifest/index.ts'
import { silentLog as log } from '../../app/ports/log.ts'
import { buildMetainfo, magnetURI } from '../../app/seeding/index.ts'
import { Rekeys, Revocations, SaveCopies, Sharing } from '../../app/sharing/index.ts'
import { cardLink, makeCard } from '../../app/vault/contacts/card.ts'
import { connectLit, Contacts, FileKeys, KeptKeys, LitScheme } from '../../app/vault/index.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import type { Recipient, SeaPair } from '../../app/vault/index.ts'
import { testSigner } from './fetch-node.ts'
import { untilTransfer } from './until-transfer.ts'

/** Somebody with a wallet made of a word. */
export interface TestPerson {
  readonly signer: OwnerSigner
  readonly pair: SeaPair
  /** What they give to others. */
  readonly card: string
  readonly owner: string
}

export function testPerson(word: string): TestPerson {
  const signer = testSigner(word)
  const pair = seaPairFromSeed(createHash('sha512').update(word).digest())
  const { pub, epub } = pair
  const card = cardLink(makeCard({ signer, pub, epub, nodes: [], name: word, nowMs: Date.now() - 1000 }))
  return { signer, pair, card, owner: signer.publicKey }
}

export interface SharingNode extends AsyncDisposable {
  readonly me: TestPerson
  readonly library: Library
  readonly transfers: TransferStore
  readonly folder: MediaFolder
  readonly contacts: Contacts
  readonly fileKeys: FileKeys
  readonly adder: Adder
  readonly sharing: Sharing
  readonly rekeys: Rekeys
  readonly saves: SaveCopies
  readonly revocations: Revocations
  readonly openPlain: OpenPlain
  readonly mediaDir: string
  readonly notices: string[]
  /** Items whose seeding was settled, in order. */
  readonly settled: string[]
  /** What happens then. */
  onSettle: () => Promise<void>
  readonly start: () => void
  /** Whether the wallet is open. */
  isUnlocked: boolean
  /** The transfer once it is over. */
  readonly over: (id: string) => Promise<Transfer>
  /** The transfer once `isIt` holds. */
  readonly until: (id: string, isIt: (transfer: Transfer) => boolean) => Promise<Transfer>
  /** Adds an encrypted file by its path. */
  readonly addEncrypted: (file: string, people?: readonly string[]) => Promise<ItemRow>
  readonly addPlain: (file: string) => Promise<ItemRow>
  /** The whole file as its reader sees it. */
  readonly read: (mediaId: string) => Promise<Buffer>
  readonly close: () => Promise<void>
}

/** The parts of a node that keep and share encrypted items, on real files. */
export async function openSharingNode({
  root,
  word = 'owner',
  isUnlocked = true,
  isHeld = false,
}: {
  readonly root: string
  readonly word?: string
  readonly isUnlocked?: boolean
  /** Nothing that was left unfinished goes on before `start`. */
  readonly isHeld?: boolean
}): Promise<SharingNode> {
  const me = testPerson(word)
  const state = { isUnlocked, onSettle: () => Promise.resolve() }
  const mediaDir = path.join(root, 'media')
  const clock = { nowMs: () => Date.now() }
  const db = openDatabase(path.join(root, 'data', 'sower.db'), { log, clock })
  const pool = new HashPool({ log })
  const folder = new MediaFolder({ dir: mediaDir, log, clock, reserveBytes: 0 })
  const transfers = new TransferStore({ db, clock })
  const pair = (): SeaPair => {
    if (!state.isUnlocked) throw new AppError('KEYCHAIN_LOCKED', 'the wallet is closed')
    return me.pair
  }
  const self = (): Recipient => ({ owner: me.owner, pub: pair().pub, epub: pair().epub })
  const signer = (): OwnerSigner => me.signer
  const whenUnlocked = async (signal: AbortSignal): Promise<void> => {
    while (!state.isUnlocked) {
      signal.throwIfAborted()
      await sleep(5)
    }
  }
  const lit = new LitScheme(() => connectLit({ dir: path.join(root, 'data', 'lit'), signer }), {
    timeoutMs: 2000,
  })
  const fileKeys = new FileKeys({
    pair,
    kept: new KeptKeys({ db, folder: new KeptFolder(folder), pair }),
    clock,
    lit,
  })
  const contacts = new Contacts({ db, clock, owner: () => me.owner, ownKeys: () => me.pair })
  const library = new Library({
    db,
    folder,
    clock,
    log,
    owner: () => me.owner,
    openSealed: sealReader(fileKeys),
    verifyBytes: async (file, signal) => (await hashFile(pool, { path: file, signal })).sha256,
  })
  const notices: string[] = []
  library.onNotice(({ message }) => notices.push(message))
  await library.start()
  const torrents = {
    buildMetainfo,
    magnetURI,
    trackers: () => ['wss://tracker.example/'],
    webSeeds: () => [],
  }
  const adder = new Adder({
    library,
    transfers,
    folder,
    pool,
    ...torrents,
    signer,
    self,
    contacts,
    requireSettled: (mediaId) => rekeys.requireSettled(mediaId),
    settings: { get: () => ({ publicUrl: null, reserveBytes: 0, bootstrapBytes: 0 }) },
    clock,
    log,
  })
  const openPlain = plainOpener({ library, fileKeys })
  const revocations = new Revocations({ db, library, folder, log })
  const settled: string[] = []
  const saves = new SaveCopies({ library, transfers, folder, fileKeys, whenUnlocked, openPlain, log })
  const rekeys = new Rekeys({
    library,
    transfers,
    folder,
    pool,
    describer: { ...torrents, signer, publicUrl: () => null },
    fileKeys,
    lit,
    contacts,
    revocations,
    self,
    whenUnlocked,
    openPlain,
    reserveBytes: () => 0,
    settle: async (mediaId) => {
      settled.push(mediaId)
      await state.onSettle()
    },
    clock,
    log,
  })
  const sharing = new Sharing({
    library,
    fileKeys,
    contacts,
    lit,
    signer,
    requireSettled: (mediaId) => rekeys.requireSettled(mediaId),
  })
  await revocations.start()
  rekeys.recover()
  const start = (): void => {
    adder.start()
    saves.start()
    rekeys.jobs.start()
  }
  if (!isHeld) start()

  const until = untilTransfer(transfers)
  const over = (id: string): Promise<Transfer> =>
    until(id, ({ state: now }) => now === 'done' || now === 'failed' || now === 'cancelled')
  const added = async (id: string): Promise<ItemRow> => {
    const { mediaId = '', error } = await over(id)
    const row = library.get(mediaId)
    if (row === undefined) throw new Error(`not added: ${JSON.stringify(error)}`)
    return row
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await rekeys.jobs.stop()
      await saves.jobs.stop()
      await adder.stop()
      revocations.stop()
      transfers.stop()
      await library.stop()
      await pool.close()
      db.close()
    })()
    return closing
  }
  return {
    me,
    library,
    transfers,
    folder,
    contacts,
    fileKeys,
    adder,
    sharing,
    rekeys,
    saves,
    revocations,
    openPlain,
    mediaDir,
    notices,
    settled,
    get isUnlocked() {
      return state.isUnlocked
    },
    set isUnlocked(value) {
      state.isUnlocked = value
      if (!value) fileKeys.forgetAll()
    },
    get onSettle() {
      return state.onSettle
    },
    set onSettle(value) {
      state.onSettle = value
    },
    start,
    over,
    until,
    addEncrypted: (file, people = []) =>
      added(
        adder.addPath({ path: file, accessLevel: 'private', storage: 'copy', isEncrypted: true, people }),
      ),
    addPlain: (file) => added(adder.addPath({ path: file, accessLevel: 'private', storage: 'copy' })),
    read: async (mediaId) => {
      const plain = await openPlain(mediaId)
      try {
        const chunks: Uint8Array[] = []
        for await (const chunk of plain.read(0, plain.sizeBytes)) chunks.push(Buffer.from(chunk))
        return Buffer.concat(chunks)
      } finally {
        await plain.close()
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
