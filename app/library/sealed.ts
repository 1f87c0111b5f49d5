import type { Protection } from '../contract/index.ts'
import { isEncrypted } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { LibraryContext } from './context.ts'
import { readManifest } from './item-folder.ts'

/** What an encrypted item is to this node: how far it can be read, and what its seal says when it can. */
export interface OpenedSeal {
  readonly protection: Exclude<Protection, 'none'>
  readonly name?: string
  readonly mime?: string
  /** Bytes of the file itself; the manifest tells this to everybody. */
  readonly plainSizeBytes?: number
}

/** Opens the seal of an encrypted item's (verified) manifest; what can't be opened is an answer, not an error. */
export type OpenSealed = (manifest: Manifest) => Promise<OpenedSeal>

/** What an item is shown as. */
export interface ManifestView {
  readonly name: string
  readonly mime: string
  readonly protection: Protection
  readonly plainSizeBytes?: number
}

/** What an encrypted item is called where its name can't be read. */
const SEALED_NAME = 'Encrypted item'
/** Items that are opened at the same time. */
const SIDE_BY_SIDE = 16

/** The name, type and protection of an item, out of its manifest and, where that is sealed, out of the seal. */
export async function viewManifest(manifest: Manifest, openSealed: OpenSealed): Promise<ManifestView> {
  if (!isEncrypted(manifest)) {
    return { name: manifest.name ?? 'media', mime: manifest.mime, protection: 'none' }
  }
  const { name = SEALED_NAME, mime = manifest.mime, ...rest } = await openSealed(manifest)
  return { name, mime, ...rest }
}

/** Looks again at what could not be read (or now can't any more) once the wallet has opened or is another one. */
export class SealedRows {
  readonly #context: LibraryContext
  #turn: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(context: LibraryContext) {
    this.#context = context
  }

  /** @param which `locked`: those that wait for the wallet; `encrypted`: all, for another wallet; or these */
  reopen(which: 'locked' | 'encrypted' | readonly string[]): Promise<void> {
    const work = this.#turn.then(() => this.#reopen(which))
    this.#turn = work.catch(() => undefined)
    return work
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#turn
  }

  async #reopen(which: 'locked' | 'encrypted' | readonly string[]): Promise<void> {
    const mediaIds = typeof which === 'string' ? this.#ids(which) : which.values()
    const worker = async (): Promise<void> => {
      // One iterator for all of them: each takes the next.
      for (const mediaId of mediaIds) {
        if (this.#isStopped) return
        await this.#context.locks.run(mediaId, () => this.#reopenOne(mediaId))
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  }

  *#ids(kind: 'locked' | 'encrypted'): Generator<string> {
    for (const { mediaId } of this.#context.items.each(kind)) yield mediaId
  }

  async #reopenOne(mediaId: string): Promise<void> {
    const { db, folder, items, log } = this.#context
    const item = items.get(mediaId)
    if (item === undefined || item.protection === 'none') return
    const paths = item.trashedAtMs === undefined ? folder.paths(mediaId) : folder.trashPaths(mediaId)
    let view: ManifestView
    try {
      view = await viewManifest(await readManifest(paths.manifest, mediaId), this.#context.openSealed)
    } catch (error) {
      // The drive is away, or the manifest is damaged: whoever reads it next finds out, and opens it then.
      log.warn('library.reopen-failed', { mediaId, reason: String(error) })
      return
    }
    const isSame =
      view.protection === item.protection &&
      view.name === item.name &&
      view.mime === item.mime &&
      view.plainSizeBytes === item.plainSizeBytes
    if (isSame) return
    // Those of one moment share a transaction.
    await db.writeTogether(() => items.setView(mediaId, view))
    this.#context.changed([mediaId])
  }
}
