import fs from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../atomic-file.ts'
import { MediaId } from '../contract/index.ts'
import type { Attempts } from './attempts.ts'
import type { LibraryContext } from './context.ts'
import { doesExist, isErrno, syncDir, toFolderError } from './durable.ts'
import { forgetKeys } from './kept-folder.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const KEPT_MS = 30 * DAY_MS
/** A jump of the clock by more than this since it was last seen may be a wrong clock: nothing is thrown away on its word. */
const TRUSTED_GAP_MS = 7 * DAY_MS
const EMPTYING = '.emptying'
const EMPTIED = /^[0-9a-f]{64}\.emptying$/

/** Where removed items wait. The database says first where an item belongs, the folder follows, also after a crash. */
export class Trash {
  readonly #context: LibraryContext

  constructor(context: LibraryContext) {
    this.#context = context
  }

  /** @throws {AppError} `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`; those before the one it failed at are in the trash then */
  async remove(mediaIds: readonly string[]): Promise<{ removed: MediaId[]; restorableUntilMs: number }> {
    const { folder, items, clock } = this.#context
    await folder.requireWritable()
    const removed: MediaId[] = []
    const nowMs = clock.nowMs()
    try {
      for (const mediaId of new Set(mediaIds)) {
        await this.#context.locks.run(mediaId, async () => {
          const item = items.get(mediaId)
          if (item === undefined || item.trashedAtMs !== undefined) return
          await this.#removeLocked(mediaId, nowMs)
          removed.push(item.mediaId)
        })
      }
    } finally {
      this.#tell(removed)
    }
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
    try {
      for (const mediaId of new Set(mediaIds)) {
        const isRestored = await this.#context.locks.run(mediaId, () => this.restoreLocked(mediaId))
        if (isRestored) restored.push(MediaId.parse(mediaId))
      }
    } finally {
      this.#tell(restored)
    }
    return { restored }
  }

  /** For whoever holds the item's lock already. */
  async restoreLocked(mediaId: string): Promise<boolean> {
    const { folder, items, db, outbox } = this.#context
    const item = items.get(mediaId)
    if (item?.trashedAtMs === undefined) return false
    db.writeAnyway(() => {
      items.set(mediaId, { trashedAtMs: null })
      if (item.isSeedingWanted && item.infoHash !== undefined) outbox.enqueue(mediaId, 'seed')
    })
    try {
      await this.#moveBack(mediaId)
    } catch (error) {
      await this.#takeBack(folder.paths(mediaId).dir, folder.trashPaths(mediaId).dir)
      db.writeAnyway(() => items.set(mediaId, { trashedAtMs: item.trashedAtMs ?? null }))
      throw toFolderError(error)
    }
    if (item.fileState === 'checking') this.#context.verify(mediaId)
    return true
  }

  /** Brings folders to where the database says they belong: what a crash between the two left. */
  async reconcile(attempts: Attempts): Promise<void> {
    const { folder, items, locks } = this.#context
    for (const { mediaId } of items.each('trashed')) {
      const { dir } = folder.paths(mediaId)
      const follow = async (): Promise<void> => {
        const isTrashed = items.get(mediaId)?.trashedAtMs !== undefined
        if (isTrashed && (await doesExist(dir))) await this.#moveToTrash(mediaId)
      }
      await attempts.run(dir, () => locks.run(mediaId, follow))
    }
    for (const name of await this.#names()) {
      const dir = path.join(folder.trashDir, name)
      if (EMPTIED.test(name)) {
        await attempts.run(dir, () => this.#finishEmptying(name.slice(0, -EMPTYING.length)))
      } else if (MediaId.safeParse(name).success) {
        const follow = async (): Promise<void> => {
          const item = items.get(name)
          if (item !== undefined && item.trashedAtMs === undefined) await this.#moveBack(name)
        }
        await attempts.run(dir, () => locks.run(name, follow))
      }
    }
  }

  /** Items in the trash that the database knows nothing of (it was made anew). */
  async unknown(): Promise<string[]> {
    const { items } = this.#context
    return (await this.#names()).filter(
      (name) => MediaId.safeParse(name).success && items.get(name) === undefined,
    )
  }

  /** Throws away for good what was removed more than 30 days ago. What can't be is tried again the next time. */
  async sweep(): Promise<number> {
    const { folder, items, db, clock, log } = this.#context
    if ((await folder.refresh()) === 'offline' || folder.state() === 'read-only') return 0
    const nowMs = clock.nowMs()
    const seenMs = Number(db.getMeta('clock_seen_ms') ?? nowMs)
    db.writeAnyway(() => db.setMeta('clock_seen_ms', String(nowMs)))
    if (Math.abs(nowMs - seenMs) > TRUSTED_GAP_MS) {
      log.info('trash.sweep-postponed', { gapMs: nowMs - seenMs })
      return 0
    }
    let swept = 0
    const isDue = (trashedAtMs = nowMs): boolean => nowMs - trashedAtMs >= KEPT_MS
    for (const { mediaId, trashedAtMs } of items.each('trashed')) {
      if (!isDue(trashedAtMs)) continue
      try {
        await this.#context.locks.run(mediaId, async () => {
          // Somebody may have taken it back meanwhile.
          if (!isDue(items.get(mediaId)?.trashedAtMs)) return
          await this.#empty(mediaId)
          swept += 1
        })
      } catch (error) {
        log.warn('trash.not-emptied', { mediaId, reason: String(error) })
      }
    }
    if (swept > 0) log.info('trash.swept', { items: swept })
    return swept
  }

  /** Under a name of its own first: half of an item must never look like one. */
  async #empty(mediaId: string): Promise<void> {
    const { folder, items, db } = this.#context
    const { dir } = folder.trashPaths(mediaId)
    const emptying = `${dir}${EMPTYING}`
    // Of the same bytes, removed once before.
    await fs.rm(emptying, { recursive: true, force: true })
    try {
      await fs.rename(dir, emptying)
      await syncDir(folder.trashDir)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
    forgetKeys(folder.dir, mediaId)
    db.writeAnyway(() => items.delete(mediaId))
    await fs.rm(emptying, { recursive: true, force: true })
  }

  async #finishEmptying(mediaId: string): Promise<void> {
    const { folder } = this.#context
    const { dir } = folder.trashPaths(mediaId)
    // The same bytes may have been added again since, and removed again.
    const isBack = (await doesExist(dir)) || (await doesExist(folder.paths(mediaId).dir))
    if (!isBack) forgetKeys(folder.dir, mediaId)
    await fs.rm(`${dir}${EMPTYING}`, { recursive: true, force: true })
  }

  async #removeLocked(mediaId: string, nowMs: number): Promise<void> {
    const { folder, items, db } = this.#context
    db.writeAnyway(() => items.set(mediaId, { trashedAtMs: nowMs }))
    try {
      await this.#moveToTrash(mediaId)
      db.writeAnyway(() => db.sql.prepare('DELETE FROM outbox WHERE media_id = ?').run(mediaId))
    } catch (error) {
      await this.#takeBack(folder.trashPaths(mediaId).dir, folder.paths(mediaId).dir)
      db.writeAnyway(() => items.set(mediaId, { trashedAtMs: null }))
      throw toFolderError(error)
    }
  }

  /** After a failure, which may have come after the rename: row and folder must say the same. */
  async #takeBack(from: string, to: string): Promise<void> {
    if (!(await doesExist(to))) await this.#rename(from, to)
  }

  async #moveToTrash(mediaId: string): Promise<void> {
    const { folder } = this.#context
    const from = folder.paths(mediaId).dir
    const to = folder.trashPaths(mediaId).dir
    makeFolder(folder.trashDir)
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
      // Something else under its name, too: nothing is in the trash then.
      if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return []
      throw error
    }
  }

  #tell(mediaIds: readonly string[]): void {
    if (mediaIds.length === 0) return
    this.#context.mapChanged()
    this.#context.changed(mediaIds)
  }
}
