import type { Readable } from 'node:stream'
import { AppError, type AccessLevel } from '../contract/index.ts'
import type { Storage } from './read-file.ts'

export type AddAccess = Extract<AccessLevel, 'public' | 'private'>

export interface AddPathInput {
  /** Absolute. */
  readonly path: string
  readonly accessLevel: AddAccess
  readonly storage: Storage
}

export interface AddStreamInput {
  readonly stream: Readable
  /** As the sender calls it; cleaned here. */
  readonly name: string
  readonly accessLevel: AddAccess
  /** Asked once when the stream has ended, for what only then is known. */
  readonly details?: () => { readonly name: string; readonly accessLevel: AddAccess }
  readonly sizeHint?: number
  readonly maxBytes?: number
  readonly signal: AbortSignal
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
