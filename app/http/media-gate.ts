import { AppError } from '../contract/index.ts'
import { canRead } from '../manifest/index.ts'
import type { Reader } from '../manifest/index.ts'
import { HttpProblem } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import type { MediaRow, MediaShelf, RevocationLookup, SignedRevocation } from './ports.ts'
import type { ViewerCheck } from './viewer.ts'

const MEDIA_ID = /^[0-9a-f]{64}$/
/** What is said of ciphertext to whoever has not opened it themselves. */
const SEALED = { name: 'Encrypted item', mime: 'application/octet-stream' }

/** The one answer for what is not here and for what the asker may not know is here. */
export function mediaNotFound(): AppError {
  return new AppError('NOT_FOUND', 'Media not found')
}

/**
 * The row `mediaId` names, for this node's owner.
 * @throws {AppError} `NOT_FOUND`, the same for no such id, not an id at all, and in the trash
 */
export function requireRow(library: MediaShelf, mediaId: string): MediaRow {
  const row = MEDIA_ID.test(mediaId) ? library.get(mediaId) : undefined
  if (row === undefined) throw mediaNotFound()
  return row
}

/** Whether it is their own: the item's publisher, or the node's owner. */
export function isTheirOwn(reader: Reader, { owner }: { readonly owner: string }): boolean {
  return reader.kind === 'bearer' && (reader.isNodeOwner || reader.publicKey === owner)
}

/** Name and type as `reader` may see them: sealed ones are the node's owner's, who opened them, and nobody else's. */
export function describedTo(reader: Reader, row: MediaRow): { readonly name: string; readonly mime: string } {
  const isOpen = row.protection === 'none' || (reader.kind === 'bearer' && reader.isNodeOwner)
  return isOpen ? { name: row.name, mime: row.mime } : SEALED
}

/** The row as the file that is stored: ciphertext has neither the name nor the type of what is in it. */
export function asStored(row: MediaRow): MediaRow {
  return row.protection === 'none' ? row : { ...row, name: row.mediaId, mime: SEALED.mime }
}

export interface Admission {
  readonly row: MediaRow
  readonly reader: Reader
  readonly isTheirs: boolean
}

/** Lets those at the node listener have what they may have. All its routes that name an item come through here. */
export class MediaGate {
  readonly #library: MediaShelf
  readonly #viewers: ViewerCheck
  readonly #revocationOf: RevocationLookup
  readonly #notFoundAfterMs: number

  constructor(
    library: MediaShelf,
    viewers: ViewerCheck,
    revocationOf: RevocationLookup,
    { notFoundAfterMs }: HttpLimits,
  ) {
    this.#library = library
    this.#viewers = viewers
    this.#revocationOf = revocationOf
    this.#notFoundAfterMs = notFoundAfterMs
  }

  /**
   * @throws {AppError} `NOT_FOUND`, the same (and after the same time) for no such id, in the trash, and not theirs to
   *   know of; `WITHDRAWN` with the signed revocation for what was theirs to read; `UNAUTHORIZED`, `RATE_LIMITED`
   */
  async admit(exchange: Exchange, mediaId: string): Promise<Admission> {
    const reader = await this.#viewers.identify(exchange)
    if (!MEDIA_ID.test(mediaId)) throw mediaNotFound()
    return refusingAfter(this.#notFoundAfterMs, () => this.#judge(reader, mediaId))
  }

  #judge(reader: Reader, mediaId: string): Admission {
    const row = this.#library.get(mediaId, { isTrashIncluded: true })
    const revocation = this.#revocationOf(mediaId)
    const successor = this.#library.get(revocation?.supersededBy ?? mediaId)
    const isReadable = row !== undefined && canRead(reader, row)
    if (revocation !== undefined) {
      const isSuccessorReadable = successor !== undefined && canRead(reader, successor)
      if (isReadable || isSuccessorReadable || isTheirOwn(reader, revocation)) throw withdrawn(revocation)
      throw mediaNotFound()
    }
    if (!isReadable || row.trashedAtMs !== undefined) throw mediaNotFound()
    return { row, reader, isTheirs: isTheirOwn(reader, row) }
  }
}

/**
 * What `judge` says, its `NOT_FOUND` no sooner than `ms` after it was asked: a row that is there takes longer to read than none, by a
 * tenth of an answer, and who asks often enough can measure that.
 */
async function refusingAfter<T>(ms: number, judge: () => T): Promise<T> {
  const { promise: due, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  try {
    return judge()
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') await due
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** What is answered of an item its owner took back: their own words. */
export function withdrawn(revocation: SignedRevocation): HttpProblem {
  const { supersededBy } = revocation
  const hint = supersededBy === undefined ? {} : { hint: `It was replaced by ${supersededBy}.` }
  return new HttpProblem(new AppError('WITHDRAWN', 'The owner of this item has withdrawn it.', hint), {
    members: { revocation },
  })
}
