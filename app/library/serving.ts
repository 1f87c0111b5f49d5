import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { openRegular } from '../regular-file.ts'
import { notFound } from './app-errors.ts'
import type { BytesWatch } from './bytes-watch.ts'
import type { LibraryContext } from './context.ts'
import { lookAt, seenFile } from './item-folder.ts'
import type { StoredItem } from './item-row.ts'
import { bytesPath } from './media-folder.ts'

/** A file that may be served: it was looked at just now and is the one whose bytes were verified. */
export interface ServableFile {
  readonly path: string
  readonly sizeBytes: number
  readonly mtimeMs: number
}

/** The gate every byte that leaves goes through. */
export class Serving {
  readonly #context: LibraryContext
  readonly #watch: BytesWatch

  constructor(context: LibraryContext, watch: BytesWatch) {
    this.#context = context
    this.#watch = watch
  }

  async openForServing(mediaId: string): Promise<ServableFile> {
    const item = await this.#requireServable(mediaId)
    const bytes = bytesPath(this.#context.folder.paths(item.mediaId), item)
    const seen = await lookAt(bytes).catch(() => undefined)
    if (seen === undefined || seen.identity !== item.fileIdentity) throw await this.#refuse(item)
    return { path: bytes, sizeBytes: item.sizeBytes, mtimeMs: seen.mtimeMs }
  }

  async openFile(mediaId: string): Promise<ServableFile & { readonly handle: FileHandle }> {
    const item = await this.#requireServable(mediaId)
    const file = await this.openForServing(mediaId)
    // What cannot be opened is refused below with its reason.
    const opened = await openRegular(file.path).catch(() => undefined)
    if (opened !== undefined && seenFile(opened.stat)?.identity === item.fileIdentity)
      return { ...file, handle: opened.handle }
    await opened?.handle.close()
    throw await this.#refuse(item)
  }

  /** Why an item whose bytes are not what they were is not served. */
  fileGone(item: StoredItem, cause?: unknown): AppError {
    const state = this.#context.items.get(item.mediaId)?.fileState
    const what =
      state === 'missing' ? 'is not in the media folder any more' : 'was changed since it was added'
    return new AppError('NOT_FOUND', `The file of this item ${what}, so it is not served.`, {
      hint: 'Put the original back, or add or download it again.',
      details: { fileState: state },
      cause,
    })
  }

  async #requireServable(mediaId: string): Promise<StoredItem> {
    const { items, folder } = this.#context
    const item = items.get(mediaId)
    if (item === undefined || item.trashedAtMs !== undefined) throw notFound()
    if (folder.state() === 'offline') await folder.requireOnline()
    if (item.fileState === 'ok') return item
    const now = item.fileState === 'checking' ? item : await this.#watch.checkOne(item)
    if (now?.fileState === 'ok') return now
    if (now?.fileState === 'checking') {
      throw new AppError(
        'UNAVAILABLE',
        'This item is being checked. It is available again as soon as that is done.',
      )
    }
    throw this.fileGone(item)
  }

  async #refuse(item: StoredItem): Promise<AppError> {
    await this.#context.folder.requireOnline()
    await this.#watch.checkOne(item)
    return this.fileGone(item)
  }
}
