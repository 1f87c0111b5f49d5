import type { FileHandle } from 'node:fs/promises'
import type { MediaId, Notice } from '../contract/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { notFound } from './app-errors.ts'
import { BytesWatch } from './bytes-watch.ts'
import { Changes } from './changes.ts'
import { Committer } from './commit.ts'
import type { StagedItem } from './commit.ts'
import type { LibraryContext, MetainfoTools, VerifyBytes } from './context.ts'
import type { Db } from './db.ts'
import { isErrno, toFolderError } from './durable.ts'
import { readManifest, readMetainfo, versionFile } from './item-folder.ts'
import { rowOf } from './item-row.ts'
import type { ItemRow, StoredItem } from './item-row.ts'
import { ItemStore } from './item-store.ts'
import type { ListArgs } from './item-list.ts'
import type { ListResult } from './item-store.ts'
import { Keyed } from './keyed.ts'
import type { MediaFolder } from './media-folder.ts'
import { storeNextVersion } from './next-version.ts'
import { Notices } from './notices.ts'
import type { NoticeInput } from './notices.ts'
import { Outbox } from './outbox.ts'
import { Scanner } from './scan.ts'
import { SealedRows } from './sealed.ts'
import type { OpenSealed } from './sealed.ts'
import { SeederMap } from './seeder-map.ts'
import { Serving } from './serving.ts'
import type { ServableFile } from './serving.ts'
import { Trash } from './trash.ts'
import { Upkeep } from './upkeep.ts'
import { Usage } from './usage.ts'
import { Verifier } from './verifier.ts'

interface LibraryOptions {
  readonly db: Db
  readonly folder: MediaFolder
  readonly verifyBytes: VerifyBytes
  readonly clock: Clock
  readonly log: Log
  /** Without it a damaged torrent file is noticed only when it is missing, and not made again. */
  readonly metainfo?: MetainfoTools
  /** 66 hex of this node's owner: what was found in the folder and signed by it is `isOwn`. */
  readonly owner?: () => string | null
  /** Reads the seal of encrypted items. @defaultValue none can be read */
  readonly openSealed?: OpenSealed
  /** @defaultValue a new one, reachable as `outbox` */
  readonly outbox?: Outbox
}

/** The user's media: folders on the disk, which are the truth, and rows that make them quick to ask about. */
export class Library {
  readonly outbox: Outbox
  readonly #context: LibraryContext
  readonly #committer: Committer
  readonly #trash: Trash
  readonly #usage: Usage
  readonly #seederMap: SeederMap
  readonly #verifier: Verifier
  readonly #scanner: Scanner
  readonly #notices: Notices
  readonly #upkeep: Upkeep
  readonly #serving: Serving
  readonly #sealedRows: SealedRows
  readonly #changes: Changes
  #isStarted = false
  #unsubscribe: (() => void) | undefined

  constructor(options: LibraryOptions) {
    const { db, folder, clock, log } = options
    const items = new ItemStore(db)
    this.outbox = options.outbox ?? new Outbox({ db, clock, log: log.child('outbox') })
    this.#changes = new Changes(log)
    this.#notices = new Notices(clock)
    this.#seederMap = new SeederMap({ items, folder, log })
    this.#context = {
      db,
      folder,
      items,
      clock,
      log,
      outbox: this.outbox,
      notices: this.#notices,
      locks: new Keyed(),
      owner: options.owner ?? (() => null),
      openSealed: options.openSealed ?? (() => Promise.resolve({ protection: 'needs-key' })),
      changed: (mediaIds) => this.#changes.add(mediaIds),
      verify: (mediaId) => this.#verifier.enqueue(mediaId),
      mapChanged: () => this.#seederMap.changed(),
    }
    const context = this.#context
    this.#trash = new Trash(context)
    this.#usage = new Usage(context)
    this.#committer = new Committer(context, async (mediaId) => {
      await this.#trash.restoreLocked(mediaId)
    })
    this.#verifier = new Verifier({ context, verifyBytes: options.verifyBytes, metainfo: options.metainfo })
    const watch = new BytesWatch(context, this.#verifier)
    this.#scanner = new Scanner({ context, watch, verifier: this.#verifier, trash: this.#trash })
    this.#upkeep = new Upkeep({ context, scanner: this.#scanner, watch, trash: this.#trash })
    this.#serving = new Serving(context, watch)
    this.#sealedRows = new SealedRows(context)
  }

  /**
   * Opens the media folder and brings the rows to what is in it. With the folder away it starts all the same and does
   * this when the folder returns.
   * @throws {AppError} `MEDIA_OFFLINE` or `MEDIA_READ_ONLY` when a new folder can't be made
   */
  async start(): Promise<void> {
    const { db, folder, items, log } = this.#context
    this.#isStarted = true
    for (const notice of db.notices) this.#notices.add(notice)
    const isKnownFolder = (db.getMeta('media_dir') ?? folder.dir) === folder.dir
    const isMarkerExpected = db.needsRebuild || (isKnownFolder && items.hasAny())
    await folder.open({ isMarkerExpected, keepJobs: this.#resumableJobs() })
    this.#unsubscribe = this.outbox.onAttention((mediaId) => {
      items.forgetCounts()
      this.#changes.add([mediaId])
    })
    this.#verifier.start()
    await this.#upkeep.start()
    log.info('library.started', { items: items.counts().all, folder: folder.state() })
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#unsubscribe?.()
    await this.outbox.stop()
    await this.#verifier.stop()
    await this.#sealedRows.stop()
    await this.#upkeep.stop()
    this.#usage.flush()
    await this.#seederMap.flush()
    this.#context.folder.close()
  }

  /** In which row of the list, without the trash and unfiltered, an item is; undefined when in none. */
  position(mediaId: string, order: Pick<ListArgs, 'sort' | 'direction'>): number | undefined {
    return this.#context.items.position(mediaId, order)
  }

  /** A page of the library without the trash, and the counts of the whole. */
  list(args: ListArgs = {}): ListResult {
    return this.#context.items.list(args)
  }

  /** @returns `undefined` for unknown items and, unless asked for, those in the trash */
  get(mediaId: string, options: { readonly isTrashIncluded?: boolean } = {}): ItemRow | undefined {
    const item = this.#context.items.get(mediaId)
    if (item === undefined) return undefined
    if (item.trashedAtMs !== undefined && options.isTrashIncluded !== true) return undefined
    return this.#withPendingUsage(rowOf(item))
  }

  find({ infoHash }: { readonly infoHash: string }): ItemRow | undefined {
    const item = this.#context.items.findByInfoHash(infoHash)
    return item === undefined ? undefined : rowOf(item)
  }

  /** Every item that is to be announced: public enough to have a torrent, wanted, and its file as it should be. */
  *seeding(): Generator<ItemRow> {
    for (const item of this.#context.items.each('seeding')) yield rowOf(item)
  }

  /** Every item that is not in the trash, page by page. */
  *kept(): Generator<ItemRow> {
    for (const item of this.#context.items.each('kept')) yield rowOf(item)
  }

  /** Bytes of all items. */
  usedBytes(): number {
    return this.#context.items.totalBytes()
  }

  /** @throws {AppError} `NOT_FOUND`, `MEDIA_OFFLINE`, `MANIFEST_INVALID`, `SIGNATURE_INVALID` */
  async manifest(mediaId: string): Promise<Manifest> {
    const { folder } = this.#context
    const item = this.#require(mediaId)
    try {
      return await readManifest(folder.paths(item.mediaId).manifest, item.mediaId)
    } catch (error) {
      await folder.requireOnline()
      const restored = await this.#context.locks.run(mediaId, () => this.#scanner.refreshManifest(mediaId))
      if (restored !== undefined) return restored
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw this.#serving.fileGone(item, error)
      throw toFolderError(error)
    }
  }

  /**
   * The bytes of media.torrent; `null` when the item has none (a damaged one is being made again).
   * @throws {AppError} `NOT_FOUND`, `MEDIA_OFFLINE`
   */
  async metainfo(mediaId: string): Promise<Uint8Array | null> {
    const { folder } = this.#context
    const item = this.#require(mediaId)
    if (item.infoHash === undefined) return null
    const stored = await readMetainfo(folder.paths(item.mediaId))
    if (stored !== null && this.#verifier.doesMetainfoFit(stored, item.infoHash)) return stored
    await folder.requireOnline()
    this.#verifier.enqueue(item.mediaId)
    return null
  }

  /**
   * Turns staged bytes into an item. When this returns, files and row are on the disk, and the outbox knows what is
   * next. On failure nothing was added, and the staged bytes are still there for whoever tries again or discards them.
   * @throws {AppError} `DISK_FULL`, `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`, `HASH_MISMATCH`, `UNAVAILABLE`
   */
  async commit(staged: StagedItem): Promise<{ row: ItemRow; isDuplicate: boolean }> {
    return this.#context.locks.run(staged.mediaId, () => this.#committer.commit(staged))
  }

  /**
   * Stores the next version of an item's manifest, and its torrent when it got one.
   * @throws {AppError} `NOT_FOUND`, `MANIFEST_INVALID`, `SIGNATURE_INVALID`, `DISK_FULL`, `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`
   */
  async addManifestVersion(mediaId: string, manifest: Manifest, metainfo?: Uint8Array): Promise<ItemRow> {
    const previous = await this.manifest(mediaId)
    return this.#context.locks.run(mediaId, async () => {
      await storeNextVersion(this.#context, this.#scanner, { previous, manifest, metainfo })
      return rowOf(this.#require(mediaId))
    })
  }

  /** One kept version, exactly as it was stored. @throws {AppError} `NOT_FOUND` */
  async manifestVersion(mediaId: string, version: number): Promise<Manifest> {
    const paths = this.#context.folder.paths(this.#require(mediaId).mediaId)
    try {
      return await readManifest(versionFile(paths, version), mediaId)
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw notFound()
      throw toFolderError(error)
    }
  }

  setSeedingWanted(mediaIds: readonly string[], isSeedingWanted: boolean): void {
    const { db, items } = this.#context
    db.write(() => {
      for (const mediaId of mediaIds) {
        const item = this.#require(mediaId)
        items.set(mediaId, { isSeedingWanted })
        if (isSeedingWanted && item.infoHash !== undefined) this.outbox.enqueue(mediaId, 'seed')
      }
    })
    this.#changes.add(mediaIds)
  }

  /** Into the trash, from where `restore` brings them back for 30 days. Unknown ones are left out. */
  remove(mediaIds: readonly string[]): Promise<{ removed: MediaId[]; restorableUntilMs: number }> {
    return this.#trash.remove(mediaIds)
  }

  /**
   * Throws an item away at once: nothing can be restored. Safe to repeat; an unknown one is gone already.
   * @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`
   */
  removeForGood(mediaId: string): Promise<void> {
    return this.#trash.removeForGood(mediaId)
  }

  restore(mediaIds: readonly string[]): Promise<{ restored: MediaId[] }> {
    return this.#trash.restore(mediaIds)
  }

  /** Throws away what was removed more than 30 days ago; runs daily by itself. @returns how many */
  sweepTrash(): Promise<number> {
    return this.#trash.sweep()
  }

  /** Reads the bytes again in the background; the items are `checking` until then. @throws {AppError} `NOT_FOUND`, `MEDIA_OFFLINE` */
  verify(mediaIds: readonly string[]): void {
    const { db, folder, items } = this.#context
    if (folder.state() === 'offline') throw folder.offline()
    const known = mediaIds.map((mediaId) => this.#require(mediaId))
    db.write(() => {
      for (const { mediaId } of known) items.set(mediaId, { fileState: 'checking' })
    })
    for (const { mediaId } of known) this.#verifier.enqueue(mediaId)
    this.#changes.add(mediaIds)
  }

  /** Waits until nothing is left to verify. */
  verified(): Promise<void> {
    return this.#verifier.idle()
  }

  /**
   * Makes the rows again from what is in the media folder. Choices that only the database knows (seeding, counters)
   * are kept for items that are still there; rows without a folder go.
   * @throws {AppError} `MEDIA_OFFLINE`: nothing was changed
   */
  rebuild(): Promise<{ items: number; movedAside: string[] }> {
    return this.#upkeep.rebuild()
  }

  addUploaded(mediaId: string, bytes: number): void {
    this.#usage.addUploaded(mediaId, bytes)
  }

  touchServed(mediaId: string): void {
    this.#usage.touchServed(mediaId)
  }

  /**
   * Where an item's bytes are, after a look that they are still the ones that were verified.
   * @throws {AppError} `NOT_FOUND` (unknown, gone or changed), `UNAVAILABLE` (being checked), `MEDIA_OFFLINE`
   */
  openForServing(mediaId: string): Promise<ServableFile> {
    return this.#serving.openForServing(mediaId)
  }

  /** The same with the file held open: what is read from `handle` is what was looked at. The caller closes it. */
  openFile(mediaId: string): Promise<ServableFile & { readonly handle: FileHandle }> {
    return this.#serving.openFile(mediaId)
  }

  /** Ids whose rows changed, appeared or went; those of one moment together. */
  onChange(listener: (mediaIds: string[]) => void): () => void {
    return this.#changes.onChange(listener)
  }

  /** Tells the user something once. */
  notify(notice: NoticeInput): void {
    this.#notices.add(notice)
  }

  /** What was noticed before anybody listened is told first. */
  onNotice(listener: (notice: Notice) => void): () => void {
    return this.#notices.onNotice(listener)
  }

  /**
   * Looks again at encrypted items that could not be read: at these, for which a key was found, or at all that waited for the
   * wallet to open.
   */
  reopenSealed(mediaIds?: readonly string[]): Promise<void> {
    return this.#sealedRows.reopen(mediaIds ?? 'locked')
  }

  /** This node has another owner than before (or one at last): what is theirs, and what they can read, is found out anew. */
  async ownerChanged(): Promise<void> {
    const { items, owner } = this.#context
    this.#changes.add(items.setNodeOwner(owner()))
    await this.#sealedRows.reopen('encrypted')
  }

  /** Whether something would be lost with the wallet: an item of its own, or one that it can read, in the trash included. */
  dependsOnOwner(): boolean {
    const sql = "SELECT 1 FROM items WHERE is_own = 1 OR protection = 'readable' LIMIT 1"
    return this.#context.db.prepare(sql).get() !== undefined
  }

  #require(mediaId: string): StoredItem {
    const item = this.#context.items.get(mediaId)
    if (item === undefined || item.trashedAtMs !== undefined) throw notFound()
    return item
  }

  /** Downloads go on from what they have; an add reads its source again and needs nothing of the former run. */
  #resumableJobs(): ReadonlySet<string> {
    const rows = this.#context.db.sql
      .prepare("SELECT id FROM transfers WHERE kind = 'get' AND state NOT IN ('done', 'cancelled')")
      .all() as { id: string }[]
    return new Set(rows.map(({ id }) => id))
  }

  #withPendingUsage(row: ItemRow): ItemRow {
    const pending = this.#usage.pending(row.mediaId)
    if (pending === undefined) return row
    return {
      ...row,
      uploadedBytes: row.uploadedBytes + pending.uploadedBytes,
      ...(pending.servedAtMs === null ? {} : { lastServedAtMs: pending.servedAtMs }),
    }
  }
}
