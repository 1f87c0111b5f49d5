import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { LibraryContext, MetainfoTools, VerifyBytes } from './context.ts'
import { replaceFile } from './durable.ts'
import { lookAt, readManifest, readMetainfo } from './item-folder.ts'
import type { SeenFile } from './item-folder.ts'
import type { StoredItem } from './item-row.ts'
import { bytesPath } from './media-folder.ts'

const BUSY_FILE_PAUSE_MS = 1000

interface VerifierOptions {
  readonly context: LibraryContext
  readonly verifyBytes: VerifyBytes
  readonly metainfo: MetainfoTools | undefined
}

/** Reads items' bytes again, one at a time in the background, and draws the conclusions. */
export class Verifier {
  readonly #context: LibraryContext
  readonly #verifyBytes: VerifyBytes
  readonly #metainfo: MetainfoTools | undefined
  readonly #queue = new Set<string>()
  #stopping: AbortController | undefined
  #working: Promise<void> | undefined

  constructor({ context, verifyBytes, metainfo }: VerifierOptions) {
    this.#context = context
    this.#verifyBytes = verifyBytes
    this.#metainfo = metainfo
  }

  start(): void {
    this.#stopping ??= new AbortController()
    this.#work()
  }

  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = undefined
    await this.#working
  }

  enqueue(mediaId: string): void {
    this.#queue.add(mediaId)
    this.#work()
  }

  /** Whether these bytes are the torrent file with that info hash, as far as we were given the means to tell. */
  doesMetainfoFit(metainfo: Uint8Array, infoHash: string): boolean {
    return this.#metainfo === undefined || infoHashOf(this.#metainfo, metainfo) === infoHash
  }

  /** Waits until nothing is left to read. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  #work(): void {
    const signal = this.#stopping?.signal
    if (signal === undefined || this.#working !== undefined || this.#queue.size === 0) return
    this.#working = this.#loop(signal).finally(() => {
      this.#working = undefined
      if (this.#context.folder.state() !== 'offline') this.#work()
    })
  }

  async #loop(signal: AbortSignal): Promise<void> {
    for (const mediaId of this.#queue) {
      if (signal.aborted || this.#context.folder.state() === 'offline') return
      try {
        const isDone = await this.#verify(mediaId, signal)
        if (isDone) this.#queue.delete(mediaId)
      } catch (error) {
        if (signal.aborted) return
        this.#queue.delete(mediaId)
        this.#context.log.error('library.verify-failed', { mediaId, reason: String(error) })
      }
    }
  }

  /** @returns false when it must wait for the drive */
  async #verify(mediaId: string, signal: AbortSignal): Promise<boolean> {
    const { items, folder } = this.#context
    const item = items.get(mediaId)
    if (item === undefined || item.trashedAtMs !== undefined) return true
    const bytes = bytesPath(folder.paths(mediaId), item)
    let sha256: string | undefined
    let seen: SeenFile | undefined
    try {
      const before = await lookAt(bytes)
      if (before?.sizeBytes === item.sizeBytes) sha256 = await this.#verifyBytes(bytes, signal)
      seen = await lookAt(bytes)
      if (seen?.identity !== before?.identity) {
        // Written to while it was read: whatever was read means nothing. Not at once again, it may go on.
        await setTimeout(BUSY_FILE_PAUSE_MS, undefined, { signal })
        return false
      }
    } catch (error) {
      if (signal.aborted) throw error
      this.#context.log.warn('library.read-failed', { mediaId, reason: String(error) })
      seen = await lookAt(bytes).catch(() => undefined)
    }
    if ((await folder.refresh()) === 'offline') return false
    await this.#context.locks.run(mediaId, () => this.#conclude(item, seen, sha256 === mediaId, signal))
    return true
  }

  async #conclude(
    item: StoredItem,
    seen: SeenFile | undefined,
    isRight: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { items, db, outbox, log } = this.#context
    const { mediaId } = item
    const now = items.get(mediaId)
    if (now === undefined || now.trashedAtMs !== undefined) return
    if (seen === undefined) {
      items.set(mediaId, { fileState: 'missing' })
    } else if (isRight) {
      const isTorrentThere = await this.#ensureMetainfo(now, signal)
      db.write(() => {
        items.set(mediaId, {
          fileState: 'ok',
          fileIdentity: seen.identity,
          badIdentity: null,
          isVerified: true,
          ...(isTorrentThere ? {} : { infoHash: null }),
        })
        if (now.isSeedingWanted && now.infoHash !== undefined && isTorrentThere)
          outbox.enqueue(mediaId, 'seed')
      })
      this.#context.mapChanged()
    } else if (now.isVerified) {
      items.set(mediaId, { fileState: 'changed', badIdentity: seen.identity })
      this.#sayChanged(now)
    } else {
      await this.#reject(now, seen)
    }
    log.info('library.verified', { mediaId, isRight })
    this.#context.changed([mediaId])
  }

  #sayChanged(item: StoredItem): void {
    this.#context.notices.add({
      level: 'warning',
      code: 'HASH_MISMATCH',
      message: `The file of “${item.name}” is not the one that was added any more. It is not shared until it is right again.`,
      hint: 'Add or download the original again, or put it back from a backup.',
    })
  }

  /** A folder that somebody put there, whose bytes are not what its name says. */
  async #reject(item: StoredItem, seen: SeenFile): Promise<void> {
    const { folder, items, notices, log } = this.#context
    const { mediaId } = item
    if (folder.state() === 'read-only') {
      items.set(mediaId, { fileState: 'changed', badIdentity: seen.identity })
      return
    }
    const movedTo = await folder.moveAside(folder.paths(mediaId).dir, mediaId)
    items.delete(mediaId)
    log.warn('library.folder-moved-aside', { mediaId, reason: 'hash' })
    notices.add({
      level: 'warning',
      code: 'HASH_MISMATCH',
      message: `“${item.name}” was found in the media folder, but its bytes are damaged. It was moved aside.`,
      hint: `It is kept as ${movedTo}.`,
    })
  }

  /** @returns whether a metainfo that fits is there now */
  async #ensureMetainfo(item: StoredItem, signal: AbortSignal): Promise<boolean> {
    const tools = this.#metainfo
    const { folder, notices } = this.#context
    const paths = folder.paths(item.mediaId)
    const manifest = await readManifest(paths.manifest, item.mediaId)
    const infoHash = manifest.transport?.bittorrent?.infoHash
    if (infoHash === undefined) return true
    const stored = await readMetainfo(paths)
    if (tools === undefined) return stored !== null
    if (stored !== null && infoHashOf(tools, stored) === infoHash) return true
    if (folder.state() === 'read-only') return false
    if (stored !== null) {
      await folder.moveAside(paths.metainfo, path.join(item.mediaId, 'media.torrent'))
    }
    const made = await tools.make({ path: bytesPath(paths, item), manifest, signal })
    const isSame = infoHashOf(tools, made) === infoHash
    if (isSame) await replaceFile(paths.metainfo, made)
    notices.add({
      level: isSame ? 'info' : 'warning',
      code: 'METAINFO_INVALID',
      message: isSame
        ? `The torrent file of “${item.name}” was damaged or missing. It was made again from the media itself.`
        : `The torrent file of “${item.name}” was damaged and cannot be made again as it was. The item is kept but not seeded.`,
    })
    return isSame
  }
}

function infoHashOf(tools: MetainfoTools, metainfo: Uint8Array): string | undefined {
  try {
    return tools.check(metainfo).infoHash
  } catch {
    // Whatever is wrong with it, it is not the metainfo of this item.
    return undefined
  }
}
