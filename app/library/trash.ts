import fs from 'node:fs/promises'
import path from 'node:path'
import { MediaId } from '../contract/index.ts'
import type { LibraryContext } from './context.ts'
import { doesExist, isErrno, syncDir, toFolderError } from './durable.ts'
import { forgetKeys } from './kept-folder.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const KEPT_MS = 30 * DAY_MS
/** A jump of the clock by more than this since it was last seen may be a wrong clock: nothing is thrown away on its word. */
const TRUSTED_GAP_MS = 7 * DAY_MS
const EMPTYING = '.emptying'

/** Where removed items wait. The database says first where an item belongs, the folder follows, also after a crash. */
export class Trash {
  readonly #context: LibraryContext

  constructor(context: LibraryContext) {
    this.#context = context
  }

  /** @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`; then nothing was moved */
  async remove(mediaIds: readonly string[]): Promise<{ removed: MediaId[]; restorableUntilMs: number }> {
    const { folder, items, db, clock } = this.#context
    await folder.requireWritable()
    const removed: MediaId[] = []
    const nowMs = clock.nowMs()
    for (const mediaId of new Set(mediaIds)) {
      await this.#context.locks.run(mediaId, async () => {
        const item = items.get(mediaId)
        if (item === undefined || item.trashedAtMs !== undefined) return
        db.write(() => items.set(mediaId, { trashedAtMs: nowMs }))
        try {
          await this.#moveToTrash(mediaId)
          db.write(() => db.sql.prepare('DELETE FROM outbox WHERE media_id = ?').run(mediaId))
        } catch (error) {
          // It may have failed after the rename: row and folder must say the same.
          await this.#rename(folder.trashPaths(mediaId).dir, folder.paths(mediaId).dir)
          db.write(() => items.set(mediaId, { trashedAtMs: null }))
          throw toFolderError(error)
        }
        removed.push(item.mediaId)
      })
    }
    this.#tell(removed)
    return { removed, restorableUntilMs: nowMs + KEPT_MS }
  }

  /**
   * Throws an item away at once, also when it is in the trash already. Safe to repeat.
   * @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`; then it is there as before, or in the trash
   */
  async removeForGood(mediaId: string): Promise<void> {
    const { items } = this.#context
    await this.remove([mediaId])
    try {
      await this.#context.locks.run(mediaId, async () => {
        if (items.get(mediaId)?.trashedAtMs !== undefined) await this.#empty(mediaId)
      })
    } catch (error) {
      throw toFolderError(error)
    }
    this.#tell([mediaId])
  }

  async restore(mediaIds: readonly string[]): Promise<{ restored: MediaId[] }> {
    await this.#context.folder.requireWritable()
    const restored: MediaId[] = []
    for (const mediaId of new Set(mediaIds)) {
      const isRestored = await this.#context.locks.run(mediaId, () => this.restoreLocked(mediaId))
      if (isRestored) restored.push(MediaId.parse(mediaId))
    }
    this.#tell(restored)
    return { restored }
  }

  /** For whoever holds the item's lock already. */
  async restoreLocked(mediaId: string): Promise<boolean> {
    const { folder, items, db, outbox } = this.#context
    const item = items.get(mediaId)
    if (item?.trashedAtMs === undefined) return false
    db.write(() => {
      items.set(mediaId, { trashedAtMs: null })
      if (item.isSeedingWanted && item.infoHash !== undefined) outbox.enqueue(mediaId, 'seed')
    })
    try {
      await this.#moveBack(mediaId)
    } catch (error) {
      await this.#rename(folder.paths(mediaId).dir, folder.trashPaths(mediaId).dir)
      db.write(() => items.set(mediaId, { trashedAtMs: item.trashedAtMs ?? null }))
      throw toFolderError(error)
    }
    if (item.fileState === 'checking') this.#context.verify(mediaId)
    return true
  }

  /** Brings folders to where the database says they belong: what a crash between the two left. */
  async reconcile(): Promise<void> {
    const { folder, items } = this.#context
    for (const item of items.each('trashed')) {
      if (await doesExist(folder.paths(item.mediaId).dir)) await this.#moveToTrash(item.mediaId)
    }
    for (const name of await this.#names()) {
      if (name.endsWith(EMPTYING)) {
        forgetKeys(folder.dir, name.slice(0, -EMPTYING.length))
        await fs.rm(path.join(folder.trashDir, name), { recursive: true, force: true })
        continue
      }
      const isKept = MediaId.safeParse(name).success && items.get(name)?.trashedAtMs === undefined
      if (isKept && items.get(name) !== undefined) await this.#moveBack(name)
    }
  }

  /** Items in the trash that the database knows nothing of (it was made anew). */
  async unknown(): Promise<string[]> {
    const { items } = this.#context
    return (await this.#names()).filter(
      (name) => MediaId.safeParse(name).success && items.get(name) === undefined,
    )
  }

  /** Throws away for good what was removed more than 30 days ago. */
  async sweep(): Promise<number> {
    const { folder, items, db, clock, log } = this.#context
    if ((await folder.refresh()) === 'offline' || folder.state() === 'read-only') return 0
    const nowMs = clock.nowMs()
    const seenMs = Number(db.getMeta('clock_seen_ms') ?? nowMs)
    db.setMeta('clock_seen_ms', String(nowMs))
    if (Math.abs(nowMs - seenMs) > TRUSTED_GAP_MS) {
      log.info('trash.sweep-postponed', { gapMs: nowMs - seenMs })
      return 0
    }
    let swept = 0
    for (const item of items.each('trashed')) {
      if (item.trashedAtMs === undefined || nowMs - item.trashedAtMs < KEPT_MS) continue
      await this.#context.locks.run(item.mediaId, () => this.#empty(item.mediaId))
      swept += 1
    }
    if (swept > 0) log.info('trash.swept', { items: swept })
    return swept
  }

  /** Under a name of its own first: half of an item must never look like one. */
  async #empty(mediaId: string): Promise<void> {
    const { folder, items } = this.#context
    const { dir } = folder.trashPaths(mediaId)
    const emptying = `${dir}${EMPTYING}`
    try {
      await fs.rename(dir, emptying)
      await syncDir(folder.trashDir)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
    forgetKeys(folder.dir, mediaId)
    items.delete(mediaId)
    await fs.rm(emptying, { recursive: true, force: true })
  }

  async #moveToTrash(mediaId: string): Promise<void> {
    const { folder } = this.#context
    const from = folder.paths(mediaId).dir
    const to = folder.trashPaths(mediaId).dir
    await fs.mkdir(folder.trashDir, { recursive: true })
    if (await doesExist(to)) await folder.moveAside(to, mediaId)
    await this.#rename(from, to)
  }

  async #moveBack(mediaId: string): Promise<void> {
    const { folder } = this.#context
    const to = folder.paths(mediaId).dir
    if (await doesExist(to)) return
    await this.#rename(folder.trashPaths(mediaId).dir, to)
  }

  async #rename(from: string, to: string): Promise<void> {
    try {
      await fs.rename(from, to)
    } catch (error) {
      // The folder was gone already: a missing item may be removed and restored as such.
      if (isErrno(error, 'ENOENT')) return
      throw error
    }
    await syncDir(path.dirname(to))
    await syncDir(path.dirname(from))
  }

  async #names(): Promise<string[]> {
    try {
      return await fs.readdir(this.#context.folder.trashDir)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return []
      throw error
    }
  }

  #tell(mediaIds: readonly string[]): void {
    if (mediaIds.length === 0) return
    this.#context.mapChanged()
    this.#context.changed(mediaIds)
  }
}
