import fs from 'node:fs/promises'
import path from 'node:path'
import { AppError, MediaId } from '../contract/index.ts'
import { accessLevelOf, litPartIn } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { LibraryContext } from './context.ts'
import { doesExist, isErrno, syncDir, syncFile, toFolderError } from './durable.ts'
import { completeStaging, lookAt, readManifest } from './item-folder.ts'
import type { SeenFile } from './item-folder.ts'
import { rowOf } from './item-row.ts'
import type { ItemRow, StoredItem } from './item-row.ts'
import type { NewItem } from './item-store.ts'
import { bytesPath } from './media-folder.ts'
import { viewManifest } from './sealed.ts'
import type { ManifestView } from './sealed.ts'
import type { StagingDir } from './staging.ts'

/** Bytes that were hashed on their way into a staging folder, and what is to be said about them. */
export interface StagedItem {
  readonly staging: StagingDir
  readonly mediaId: string
  readonly manifest: Manifest
  readonly metainfo?: Uint8Array | undefined
  readonly isOwn: boolean
  readonly isSeedingWanted: boolean
  /** Of an item that takes the place of another. @defaultValue now */
  readonly addedAtMs?: number
  /** Written with the note that the item is about to be put in its place. */
  readonly onIntent?: () => void
  /** Written with the item's row: both are there, or neither. */
  readonly onCommit?: (row: ItemRow) => void
}

/** What the database is told about an item, beside its manifest. */
export interface ItemFacts {
  readonly isOwn: boolean
  readonly isSeedingWanted: boolean
  readonly addedAtMs: number
  readonly fileIdentity: string | null
  readonly fileState: 'ok' | 'checking'
}

/** Turns a staging folder into an item: all of it or nothing, whenever the power goes. */
export class Committer {
  readonly #context: LibraryContext
  readonly #restore: (mediaId: string) => Promise<void>

  constructor(context: LibraryContext, restore: (mediaId: string) => Promise<void>) {
    this.#context = context
    this.#restore = restore
  }

  async commit(staged: StagedItem): Promise<{ row: ItemRow; isDuplicate: boolean }> {
    const { mediaId, manifest } = staged
    try {
      if (manifest.id !== mediaId) throw new TypeError('the manifest describes another item')
      await this.#context.folder.requireWritable()
      return await this.#commit(staged)
    } catch (error) {
      throw toFolderError(error)
    }
  }

  async #commit(staged: StagedItem): Promise<{ row: ItemRow; isDuplicate: boolean }> {
    const { items } = this.#context
    const { mediaId, staging, manifest } = staged
    const seen = await lookAt(staging.bytes)
    if (seen === undefined || seen.sizeBytes !== manifest.size) {
      throw new AppError(
        'HASH_MISMATCH',
        'The stored bytes are not the ones that were read. Nothing was added.',
        {
          hint: 'Try again.',
        },
      )
    }
    let known = items.get(mediaId)
    if (known?.trashedAtMs !== undefined) {
      await this.#restore(mediaId)
      known = items.get(mediaId)
    }
    if (known !== undefined && (await this.#isIntact(known))) {
      await staging.discard()
      return { row: rowOf(known), isDuplicate: true }
    }
    if (known !== undefined && (await this.#hasManifest(mediaId))) {
      const row = await this.#replaceBytes(known, staging, seen)
      return { row, isDuplicate: false }
    }
    const row = await this.#add(staged, seen, known)
    return { row, isDuplicate: false }
  }

  async #isIntact(known: StoredItem): Promise<boolean> {
    if (known.fileState !== 'ok' && known.fileState !== 'checking') return false
    const seen = await lookAt(bytesPath(this.#context.folder.paths(known.mediaId), known))
    if (seen === undefined) return false
    return known.fileState === 'checking' || seen.identity === known.fileIdentity
  }

  async #hasManifest(mediaId: string): Promise<boolean> {
    try {
      await readManifest(this.#context.folder.paths(mediaId).manifest, mediaId)
      return true
    } catch (error) {
      if (error instanceof AppError || isErrno(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  }

  /** The item was there, but its bytes are gone or wrong: the new ones take their place. */
  async #replaceBytes(known: StoredItem, staging: StagingDir, seen: SeenFile): Promise<ItemRow> {
    const { folder, items, db, outbox } = this.#context
    const { mediaId } = known
    const { dir } = folder.paths(mediaId)
    const bytes = bytesPath(folder.paths(mediaId), known)
    await syncFile(staging.bytes)
    if (await doesExist(bytes)) await folder.moveAside(bytes, path.join(mediaId, path.basename(bytes)))
    await fs.rename(staging.bytes, bytes)
    await syncDir(dir)
    await staging.discard()
    db.write(() => {
      items.set(mediaId, {
        fileState: 'ok',
        fileIdentity: seen.identity,
        badIdentity: null,
        isVerified: true,
      })
      if (known.isSeedingWanted && known.infoHash !== undefined) outbox.enqueue(mediaId, 'seed')
    })
    this.#context.changed([mediaId])
    return rowOf({ ...known, fileState: 'ok' })
  }

  async #add(staged: StagedItem, seen: SeenFile, known: StoredItem | undefined): Promise<ItemRow> {
    const { db, folder, items, outbox, clock } = this.#context
    const { staging, mediaId, manifest, metainfo, isOwn, isSeedingWanted, onIntent, onCommit } = staged
    const paths = folder.paths(mediaId)
    const view = await viewManifest(manifest, this.#context.openSealed)
    await completeStaging(staging.dir, manifest, metainfo)
    const addedAtMs = known?.addedAtMs ?? staged.addedAtMs ?? clock.nowMs()
    const facts: ItemFacts = {
      isOwn,
      isSeedingWanted,
      addedAtMs,
      fileIdentity: seen.identity,
      fileState: 'ok',
    }
    // Said first, so that a crash after the rename costs neither the choices nor a second reading of the bytes.
    await db.writeTogether(() => {
      this.#intend(mediaId, facts)
      onIntent?.()
    })
    if (await doesExist(paths.dir)) await this.#clear(paths.dir, mediaId)
    await fs.rename(staging.dir, paths.dir)
    let row: ItemRow
    try {
      await Promise.all([syncDir(folder.dir), syncDir(path.dirname(staging.dir))])
      row = await db.writeTogether(() => {
        // A look at the folder may have found it by now.
        items.delete(mediaId)
        items.insert(newItem(manifest, facts, metainfo !== undefined, view))
        if (known !== undefined) items.set(mediaId, { uploadedBytes: known.uploadedBytes })
        db.prepare('DELETE FROM commits WHERE media_id = ?').run(mediaId)
        if (isSeedingWanted && metainfo !== undefined) outbox.enqueue(mediaId, 'seed')
        const item = items.get(mediaId)
        if (item === undefined) throw new Error('the item was committed but is not in the database')
        onCommit?.(rowOf(item))
        return rowOf(item)
      })
    } catch (error) {
      await this.#undo(staging, paths.dir, mediaId)
      throw error
    }
    await staging.discard()
    this.#context.mapChanged()
    this.#context.changed([mediaId])
    return row
  }

  #intend(mediaId: string, facts: ItemFacts): void {
    const { db } = this.#context
    db.write(() =>
      db
        .prepare(
          `INSERT OR REPLACE INTO commits (media_id, file_identity, is_own, is_seeding_wanted, added_at_ms)
           VALUES (?, ?, ?, ?, ?)`,
        )
        .run(
          mediaId,
          facts.fileIdentity,
          Number(facts.isOwn),
          Number(facts.isSeedingWanted),
          facts.addedAtMs,
        ),
    )
  }

  /** Something nobody knows is where the item goes: kept, but out of the way. */
  async #clear(dir: string, mediaId: string): Promise<void> {
    const { folder, notices } = this.#context
    const movedTo = await folder.moveAside(dir, mediaId)
    notices.add({
      level: 'warning',
      code: 'FOLDER_MOVED_ASIDE',
      message: 'An incomplete folder was in the way of an item that was just added. It was moved aside.',
      hint: `It is kept as ${movedTo}.`,
    })
  }

  async #undo(staging: StagingDir, dir: string, mediaId: string): Promise<void> {
    try {
      await fs.rename(dir, staging.dir)
      this.#context.db.write(() =>
        this.#context.db.prepare('DELETE FROM commits WHERE media_id = ?').run(mediaId),
      )
    } catch (error) {
      // The next start finds a complete folder and takes it in: nothing is lost, nothing is half.
      this.#context.log.warn('library.undo-failed', { mediaId, reason: String(error) })
    }
  }
}

/** The row of an item, from what its manifest says and what we know ourselves. */
export function newItem(
  manifest: Manifest,
  facts: ItemFacts,
  hasMetainfo: boolean,
  view: ManifestView,
): NewItem {
  const torrent = hasMetainfo ? manifest.transport?.bittorrent : undefined
  return {
    mediaId: MediaId.parse(manifest.id),
    ...describedBy(manifest, torrent, view),
    isSeedingWanted: facts.isSeedingWanted,
    isOwn: facts.isOwn,
    addedAtMs: facts.addedAtMs,
    fileState: facts.fileState,
    fileIdentity: facts.fileIdentity,
    isVerified: facts.fileState === 'ok',
  }
}

/** What a manifest says, in the words of a row. */
export function describedBy(
  manifest: Manifest,
  torrent: { readonly infoHash: string; readonly pieceLength: number } | undefined,
  view: ManifestView,
) {
  return {
    ...view,
    sizeBytes: manifest.size,
    sharedWith: manifest.accessControl.shared_with ?? [],
    hasConditions: litPartIn(manifest.encryption?.keyEnvelope) !== undefined,
    accessLevel: accessLevelOf(manifest),
    ...(torrent === undefined ? {} : { infoHash: torrent.infoHash, pieceLength: torrent.pieceLength }),
    owner: manifest.accessControl.owner_public_key,
    createdAt: manifest.createdAt,
    manifestVersion: manifest.version,
  }
}
