import fs from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../contract/index.ts'
import { accessLevelOf, isEncrypted } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import { Attempts } from './attempts.ts'
import type { BytesWatch } from './bytes-watch.ts'
import { describedBy, newItem } from './commit.ts'
import type { ItemFacts } from './commit.ts'
import type { LibraryContext } from './context.ts'
import { doesExist, isErrno, replaceFile, syncDir } from './durable.ts'
import { lookAt, newestKeptManifest, readManifest, readMetainfo } from './item-folder.ts'
import type { NewItem } from './item-store.ts'
import type { ItemPaths } from './media-folder.ts'
import { viewManifest } from './sealed.ts'
import type { Trash } from './trash.ts'
import type { Verifier } from './verifier.ts'

interface ScanOptions {
  readonly context: LibraryContext
  readonly watch: BytesWatch
  readonly verifier: Verifier
  readonly trash: Trash
}

export interface ScanResult {
  /** Folders the database did not know. */
  readonly adopted: number
  /** Where damaged things are now. */
  readonly movedAside: readonly string[]
}

interface Intent {
  media_id: string
  file_identity: string
  is_own: number
  is_seeding_wanted: number
  added_at_ms: number
}

const WRITE_TOGETHER = 100

/** Brings the database to what is on the disk: finishes what a crash interrupted, notices what changed, takes in what it does not know. */
export class Scanner {
  readonly #context: LibraryContext
  readonly #watch: BytesWatch
  readonly #verifier: Verifier
  readonly #trash: Trash
  #movedAside: string[] = []

  constructor({ context, watch, verifier, trash }: ScanOptions) {
    this.#context = context
    this.#watch = watch
    this.#verifier = verifier
    this.#trash = trash
  }

  /** The folder must be there. Nothing that did not change is read; what can't be read is left as it is, and said. */
  async scan(signal?: AbortSignal): Promise<ScanResult> {
    const { folder, items, locks } = this.#context
    this.#movedAside = []
    const attempts = new Attempts(this.#context)
    const isWritable = folder.state() !== 'read-only'
    await this.#finishCommits(attempts)
    if (isWritable) await this.#trash.reconcile(attempts)
    for (const { mediaId } of items.each('manifestPending')) {
      await attempts.run(folder.paths(mediaId).dir, () =>
        locks.run(mediaId, () => this.refreshManifest(mediaId)),
      )
    }
    if ((await this.#watch.check(items.each('kept'), signal)) < 0) return { adopted: 0, movedAside: [] }
    let adopted = await this.#adoptAll(await folder.itemFolders(), false, attempts, signal)
    adopted += await this.#adoptAll(await this.#trash.unknown(), true, attempts, signal)
    for (const { mediaId } of items.each('checking')) this.#verifier.enqueue(mediaId)
    attempts.tell()
    return { adopted, movedAside: this.#movedAside }
  }

  /**
   * Reads an item's newest manifest again (from the kept versions when it is damaged) into its row. The caller holds the item's
   * lock.
   */
  async refreshManifest(mediaId: string): Promise<Manifest | undefined> {
    const { folder, items } = this.#context
    const paths = folder.paths(mediaId)
    const manifest = await this.#soundManifest(paths, mediaId)
    if (manifest === undefined) return undefined
    const torrent = (await readMetainfo(paths)) === null ? undefined : manifest.transport?.bittorrent
    const view = await viewManifest(manifest, this.#context.openSealed)
    await this.#nameBytes(paths, manifest)
    items.describe(mediaId, describedBy(manifest, torrent, view))
    this.#context.changed([mediaId])
    return manifest
  }

  /** Folders that were renamed into place just before a crash, with the choices that were made for them. */
  async #finishCommits(attempts: Attempts): Promise<void> {
    const { db, folder, locks } = this.#context
    const intended = db.prepare('SELECT media_id FROM commits').all() as { media_id: string }[]
    for (const { media_id: mediaId } of intended) {
      const { dir } = folder.paths(mediaId)
      await attempts.run(dir, () => locks.run(mediaId, () => this.#finishCommit(mediaId)))
    }
  }

  async #finishCommit(mediaId: string): Promise<void> {
    const { db, folder, items, log } = this.#context
    // Of one that was under way, and has ended by itself, nothing is left.
    const intent = db.prepare('SELECT * FROM commits WHERE media_id = ?').get(mediaId) as Intent | undefined
    if (intent === undefined) return
    const paths = folder.paths(mediaId)
    const seen = (await lookAt(paths.original)) ?? (await lookAt(paths.encrypted))
    const manifest =
      seen?.identity === intent.file_identity ? await this.#soundManifest(paths, mediaId) : undefined
    const view = manifest === undefined ? undefined : await viewManifest(manifest, this.#context.openSealed)
    const hasMetainfo = (await readMetainfo(paths)) !== null
    db.write(() => {
      db.prepare('DELETE FROM commits WHERE media_id = ?').run(mediaId)
      if (manifest === undefined || view === undefined) return
      if (items.get(mediaId) !== undefined) items.delete(mediaId)
      const facts: ItemFacts = {
        isOwn: intent.is_own === 1,
        isSeedingWanted: intent.is_seeding_wanted === 1,
        addedAtMs: intent.added_at_ms,
        fileIdentity: intent.file_identity,
        fileState: 'ok',
      }
      this.#insert(newItem(manifest, facts, hasMetainfo, view))
    })
    if (manifest !== undefined) log.info('library.commit-finished', { mediaId })
  }

  async #adoptAll(
    mediaIds: readonly string[],
    isTrashed: boolean,
    attempts: Attempts,
    signal?: AbortSignal,
  ): Promise<number> {
    const { db, folder, items, locks, mapChanged, changed } = this.#context
    let found: NewItem[] = []
    let adopted = 0
    const write = (): void => {
      // One may have been committed while the others were read.
      const fresh = found.filter(({ mediaId }) => items.get(mediaId) === undefined)
      if (fresh.length === 0) return
      db.write(() => {
        for (const item of fresh) items.insert(item)
      })
      adopted += fresh.length
      changed(fresh.map(({ mediaId }) => mediaId))
      mapChanged()
      found = []
    }
    for (const mediaId of mediaIds) {
      if (signal?.aborted === true) break
      if (items.get(mediaId) !== undefined) continue
      const { dir } = isTrashed ? folder.trashPaths(mediaId) : folder.paths(mediaId)
      const item = await attempts.run(dir, () =>
        locks.run(mediaId, () => this.#readUnknown(mediaId, isTrashed)),
      )
      if (item !== undefined) found.push(item)
      if (found.length >= WRITE_TOGETHER) write()
    }
    write()
    return adopted
  }

  async #readUnknown(mediaId: string, isTrashed: boolean): Promise<NewItem | undefined> {
    const { folder, items, clock, owner } = this.#context
    if (items.get(mediaId) !== undefined) return undefined
    const paths = isTrashed ? folder.trashPaths(mediaId) : folder.paths(mediaId)
    const seen = (await lookAt(paths.original)) ?? (await lookAt(paths.encrypted))
    if (seen === undefined) return this.#reject(paths, mediaId, 'its bytes are missing')
    const manifest = await this.#soundManifest(paths, mediaId)
    if (manifest === undefined) return this.#reject(paths, mediaId, 'it has no manifest that holds')
    if (manifest.size !== seen.sizeBytes) return this.#reject(paths, mediaId, 'its bytes are damaged')
    await this.#nameBytes(paths, manifest)
    const facts: ItemFacts = {
      isOwn: manifest.accessControl.owner_public_key === owner(),
      isSeedingWanted: accessLevelOf(manifest) === 'public' || isEncrypted(manifest),
      addedAtMs: Math.min(clock.nowMs(), Math.max(0, seen.mtimeMs)),
      fileIdentity: null,
      fileState: 'checking',
    }
    // A missing or damaged torrent file is made again once the bytes are known to be right.
    return {
      ...newItem(manifest, facts, true, await viewManifest(manifest, this.#context.openSealed)),
      ...(isTrashed ? { trashedAtMs: clock.nowMs() } : {}),
    }
  }

  /** The newest manifest that holds; a damaged one is moved aside and replaced by the newest kept version. */
  async #soundManifest(paths: ItemPaths, mediaId: string): Promise<Manifest | undefined> {
    const { folder, notices, log } = this.#context
    try {
      return await readManifest(paths.manifest, mediaId)
    } catch (error) {
      if (!(error instanceof AppError) && !isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
      log.warn('library.manifest-damaged', { mediaId, reason: String(error) })
    }
    const kept = await newestKeptManifest(paths, mediaId)
    if (kept === undefined || folder.state() === 'read-only') return kept
    if (await doesExist(paths.manifest)) {
      this.#movedAside.push(await folder.moveAside(paths.manifest, path.join(mediaId, 'manifest.json')))
    }
    await replaceFile(paths.manifest, JSON.stringify(kept))
    notices.add({
      level: 'info',
      code: 'MANIFEST_INVALID',
      message: `The manifest of “${kept.name ?? mediaId}” was damaged. It was restored from the copy kept beside it.`,
    })
    return kept
  }

  /** Bytes under the name of the other kind (another program put them there) get the one their manifest asks for. */
  async #nameBytes(paths: ItemPaths, manifest: Manifest): Promise<void> {
    const [from, to] = isEncrypted(manifest)
      ? [paths.original, paths.encrypted]
      : [paths.encrypted, paths.original]
    if (this.#context.folder.state() === 'read-only' || (await doesExist(to)) || !(await doesExist(from)))
      return
    await fs.rename(from, to)
    await syncDir(paths.dir)
  }

  async #reject(paths: ItemPaths, mediaId: string, because: string): Promise<undefined> {
    const { folder, notices, log } = this.#context
    log.warn('library.folder-refused', { mediaId, because })
    // Where a drive was until now there is nothing to move.
    if (['offline', 'read-only'].includes(await folder.refresh())) return
    const movedTo = await folder.moveAside(paths.dir, mediaId)
    this.#movedAside.push(movedTo)
    notices.add({
      level: 'warning',
      code: 'FOLDER_MOVED_ASIDE',
      message: `A folder in the media folder was moved aside: ${because}.`,
      hint: `It is kept as ${movedTo}.`,
    })
  }

  #insert(item: NewItem): void {
    const { items, outbox } = this.#context
    items.insert(item)
    if (item.isSeedingWanted && item.infoHash !== undefined) outbox.enqueue(item.mediaId, 'seed')
    this.#context.mapChanged()
    this.#context.changed([item.mediaId])
  }
}
