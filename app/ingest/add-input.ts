import type { Readable } from 'node:stream'
import { AppError, type AccessLevel } from '../contract/index.ts'
import type { Recipient } from '../vault/index.ts'
import type { Storage } from './read-file.ts'

export type AddAccess = Extract<AccessLevel, 'public' | 'private'>

export interface AddPathInput {
  /** Absolute. */
  readonly path: string
  readonly accessLevel: AddAccess
  readonly storage: Storage
  /** Only its owner, and `people`, can read it. @defaultValue false */
  readonly isEncrypted?: boolean
  /** Owner keys of contacts who can read it, too; implies encryption. @defaultValue nobody */
  readonly people?: readonly string[]
}

/** What is to become of what a stream brings. */
export interface StreamDetails {
  /** As the sender calls it; cleaned here. */
  readonly name: string
  readonly accessLevel: AddAccess
  /** Only its owner, and `recipients`, can read it. Absent: nothing was said of it, which is no unless it is said later. */
  readonly isEncrypted?: boolean | undefined
  /** Others who can read it; implies encryption. @defaultValue nobody */
  readonly recipients?: readonly Recipient[]
}

export interface AddStreamInput extends StreamDetails {
  readonly stream: Readable
  /**
   * The same as it is known meanwhile, for a sender who says it beside the bytes: asked when the first megabyte (or all of
   * it) has come, and again when the stream has ended. As long as it does not say whether to encrypt, that is done, so that no
   * plaintext is on the disk when it turns out to be wanted; when it is not, the stored file is decrypted again at the end.
   */
  readonly details?: () => StreamDetails
  readonly sizeHint?: number
  readonly maxBytes?: number
  readonly signal: AbortSignal
}

interface Protection {
  readonly accessLevel: AddAccess
  readonly isEncrypted?: boolean | undefined
  readonly people?: readonly unknown[]
  readonly recipients?: readonly unknown[]
}

/**
 * Whether this is to be encrypted.
 * @throws {AppError} `BAD_REQUEST` when it is to be public as well
 */
export function isProtected({ accessLevel, isEncrypted, people, recipients }: Protection): boolean {
  const isWanted = isEncrypted === true || (people?.length ?? 0) > 0 || (recipients?.length ?? 0) > 0
  if (isWanted && accessLevel === 'public') {
    throw new AppError(
      'BAD_REQUEST',
      'What everybody may have can’t be encrypted for a few as well. Nothing was stored.',
      { hint: 'Choose one: public, or encrypted.' },
    )
  }
  return isWanted
}

/** Whether it must be encrypted for now, as it is not known yet that it need not be. */
export function mayBeProtected(details: StreamDetails): boolean {
  return isProtected(details) || (details.isEncrypted === undefined && details.accessLevel !== 'public')
}

/** A sender that first says no and then yes: its plaintext was already arriving on the disk. */
export function saidTooLate(): AppError {
  return new AppError(
    'BAD_REQUEST',
    'It was said twice, and differently, whether this file is to be encrypted. What had been stored of it is gone again.',
    { hint: 'Say it once.' },
  )
}

export function noSuchTransfer(): AppError {
  return new AppError('NOT_FOUND', 'There is no such transfer.')
}

export function connectionLost(): AppError {
  return new AppError(
    'SOURCE_UNREADABLE',
    'The connection it came over ended before everything had arrived. Nothing was stored.',
    { hint: 'Send it again.' },
  )
}
