import { Attempts } from './attempts.ts'
import type { BytesWatch } from './bytes-watch.ts'
import type { LibraryContext } from './context.ts'
import { doesExist } from './durable.ts'
import type { StoredItem } from './item-row.ts'
import type { Scanner, ScanResult } from './scan.ts'
import type { Trash } from './trash.ts'

const RECHECK_INTERVAL_MS = 5000
/** Per look; the next look goes on after them. */
const RECHECKED_AT_ONCE = 500
const TRASH_INTERVAL_MS = 24 * 60 * 60 * 1000

interface UpkeepOptions {
  readonly context: LibraryContext
  readonly scanner: Scanner
  readonly watch: BytesWatch
  readonly trash: Trash
}

/** What the library does by itself: looks at the folder when it (re)appears, at lost files until they return, at old trash. */
export class Upkeep {
  readonly #context: LibraryContext
  readonly #scanner: Scanner
  readonly #watch: BytesWatch
  readonly #trash: Trash
  readonly #timers: NodeJS.Timeout[] = []
  #unsubscribe: (() => void) | undefined
  #stopping: AbortController | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #recheckedUpTo = ''

  constructor({ context, scanner, watch, trash }: UpkeepOptions) {
    this.#context = context
    this.#scanner = scanner
    this.#watch = watch
    this.#trash = trash
  }

  async start(): Promise<void> {
    const { folder } = this.#context
    this.#stopping = new AbortController()
    await this.scan()
    await this.#trash.sweep()
    this.#unsubscribe = folder.onState((state, hasReturned) => {
      // Every item's state depends on it.
      if (state === 'offline' || hasReturned) this.#context.changed(this.#allIds())
      if (state === 'offline') this.#sayOffline()
      if (hasReturned) this.#inTurn('library.scan-failed', () => this.scanNow())
    })
    this.#timers.push(
      setInterval(() => this.#inTurn('library.recheck-failed', () => this.#recheck()), RECHECK_INTERVAL_MS),
      setInterval(() => this.#inTurn('trash.sweep-failed', () => this.#trash.sweep()), TRASH_INTERVAL_MS),
    )
    for (const timer of this.#timers) timer.unref()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#unsubscribe?.()
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#turn
  }

  /** Looks at the whole folder, after whatever look is going on. */
  async scan(): Promise<ScanResult> {
    const scan = this.#turn.then(() => this.scanNow())
    this.#turn = scan.catch(() => undefined)
    return scan
  }

  /** Brings every row to what is in the folder; rows without a folder go. @throws {AppError} as `Library.rebuild` */
  async rebuild(): Promise<{ items: number; movedAside: string[] }> {
    const { db, folder, items, locks } = this.#context
    await folder.requireOnline()
    db.setMeta('needs_rebuild', String(this.#context.clock.nowMs()))
    const attempts = new Attempts(this.#context)
    for (const { mediaId } of items.each('kept')) {
      await attempts.run(folder.paths(mediaId).dir, () => locks.run(mediaId, () => this.#rebuildOne(mediaId)))
    }
    attempts.tell()
    const { movedAside } = await this.scan()
    return { items: items.counts().all, movedAside: [...movedAside] }
  }

  async #rebuildOne(mediaId: string): Promise<void> {
    const { folder, items } = this.#context
    const item = items.get(mediaId)
    if (item === undefined || item.trashedAtMs !== undefined) return
    if (await doesExist(folder.paths(mediaId).dir)) {
      await this.#scanner.refreshManifest(mediaId)
      return
    }
    // A drive that just went away looks like a thousand deleted folders.
    await folder.requireOnline()
    items.delete(mediaId)
  }

  async scanNow(): Promise<ScanResult> {
    const { db, folder, items, notices } = this.#context
    if ((await folder.refresh()) === 'offline') {
      this.#sayOffline()
      return { adopted: 0, movedAside: [] }
    }
    const result = await this.#scanner.scan(this.#stopping?.signal)
    if (this.#stopping?.signal.aborted === true || folder.state() === 'offline') return result
    db.setMeta('media_dir', folder.dir)
    db.setMeta('needs_rebuild', null)
    if (result.adopted > 0) {
      notices.add({
        level: 'info',
        code: 'ITEMS_FOUND',
        message:
          result.adopted === 1
            ? 'One item was found in the media folder and taken into the library. It is being checked.'
            : `${result.adopted} items were found in the media folder and taken into the library. They are being checked.`,
      })
    }
    this.#context.log.info('library.scanned', { ...result, items: items.counts().all })
    return result
  }

  async #recheck(): Promise<void> {
    const { folder, items } = this.#context
    if (folder.state() === 'offline') return
    const batch: StoredItem[] = []
    let isPastLast = false
    for (const item of items.each('notOk')) {
      if (item.fileState === 'checking') continue
      if (!isPastLast && this.#recheckedUpTo !== '') {
        isPastLast = item.mediaId === this.#recheckedUpTo
        continue
      }
      batch.push(item)
      if (batch.length === RECHECKED_AT_ONCE) break
    }
    this.#recheckedUpTo = batch.length === RECHECKED_AT_ONCE ? (batch.at(-1)?.mediaId ?? '') : ''
    await this.#watch.check(batch)
  }

  #inTurn(failure: string, work: () => Promise<unknown>): void {
    this.#turn = this.#turn.then(async () => {
      if (this.#stopping?.signal.aborted === true) return
      try {
        await work()
      } catch (error) {
        this.#context.log.error(failure, { reason: String(error) })
      }
    })
  }

  #sayOffline(): void {
    this.#context.notices.add({
      level: 'warning',
      code: 'MEDIA_OFFLINE',
      message: 'The media folder is not there, so nothing is served. Nothing in the library was changed.',
      hint: 'Connect its drive; Sower goes on by itself. Or choose another media folder in the settings.',
    })
  }

  *#allIds(): Generator<string> {
    for (const { mediaId } of this.#context.items.each('kept')) yield mediaId
  }
}
