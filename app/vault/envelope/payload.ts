import { z } from 'zod'
import { AppError } from '../../contract/index.ts'

/** What an envelope is bound to. */
export interface EnvelopeSubject {
  /** 64 hex. */
  readonly mediaId: string
  /** Of the manifest that carries the envelope. */
  readonly version: number
}

const Payload = z.looseObject({
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  mediaId: z.string(),
  version: z.int().positive(),
})

/** What every scheme encrypts: the key and what it is for, as JSON. */
export function payloadOf(fileKey: Uint8Array, { mediaId, version }: EnvelopeSubject): string {
  if (fileKey.length !== 32) throw new RangeError('a file key has 32 bytes')
  return JSON.stringify({ key: Buffer.from(fileKey).toString('base64url'), mediaId, version })
}

/**
 * The key in what a scheme decrypted.
 * @param text undefined when it could not be decrypted
 * @returns 32 bytes
 * @throws {AppError} `ENVELOPE_INVALID` when it is none, or was made for another item or a later version
 */
export function fileKeyIn(text: string | undefined, subject: EnvelopeSubject): Buffer {
  const payload = Payload.safeParse(parseJson(text))
  if (!payload.success) throw damagedBox()
  const { key, mediaId, version } = payload.data
  if (mediaId !== subject.mediaId || version > subject.version) throw damagedBox()
  return Buffer.from(key, 'base64url')
}

/** Nobody gave this wallet the key of an item. */
export function keyNeeded(): AppError {
  return new AppError(
    'KEY_NEEDED',
    'This item is encrypted, and its owner has not shared its key with you.',
    {
      hint: 'Ask its owner for access: send them your card.',
    },
  )
}

/** The network said that this wallet is not one of those it may give a key to. */
export function conditionsUnmet(): AppError {
  return new AppError(
    'KEY_NEEDED',
    'The Lit network did not give the key: your wallet does not fulfil the conditions of this item.',
    { hint: 'Ask its owner what they ask for, or to share it with you directly: send them your card.' },
  )
}

/** A box that should be ours does not hold. */
export function damagedBox(): AppError {
  return envelopeInvalid(
    'The key that was made for you does not fit this item: it is damaged or belongs to another.',
  )
}

/** `ENVELOPE_INVALID`: what was shared with us can’t be opened as it is. */
export function envelopeInvalid(message: string): AppError {
  return new AppError('ENVELOPE_INVALID', message, {
    hint: 'Nothing was changed. Ask the owner to share the item with you again.',
  })
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
