import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../../contract/index.ts'
import { SeaEnvelope } from '../../manifest/index.ts'
import { isPoint, newExchangePair, seaDecrypt, seaEncrypt, seaSecret } from './sea.ts'
import type { SeaPair } from './sea.ts'

/** Somebody a file key is boxed for. Whoever gives it has checked that `epub` belongs to `pub` (their card says so). */
export interface Recipient {
  /** 66 hex, their owner key. */
  readonly owner: string
  /** Their SEA keys, `x.y` base64url. */
  readonly pub: string
  readonly epub: string
}

/** What an envelope is bound to. */
export interface EnvelopeContext {
  /** 64 hex. */
  readonly mediaId: string
  /** Of the manifest that carries the envelope. */
  readonly version: number
  /** Keys of people nobody's one-time key may be equal to. */
  readonly knownEpubs?: readonly string[]
}

const MAX_RECIPIENTS = 1000
/** A thousand boxes take a second: after so many, everybody else gets a turn. */
const BOXES_PER_SLICE = 16
const Payload = z.looseObject({
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  mediaId: z.string(),
  version: z.int().positive(),
})

/**
 * Boxes a file key for each recipient, with a one-time P-256 pair for each.
 * @param input `recipients`: 1 … 1,000; each `pub` once
 * @throws {AppError} `ENVELOPE_INVALID` when a key of a recipient is not a point of the curve; `BAD_REQUEST` when there are too many
 */
export async function makeEnvelope(input: {
  readonly fileKey: Uint8Array
  readonly mediaId: string
  readonly version: number
  readonly recipients: readonly Recipient[]
}): Promise<SeaEnvelope> {
  return extendEnvelope({ ...input, envelope: { scheme: 'sea', for: [], keys: {} } })
}

/**
 * The same envelope for more people. Who is in it stays in it; somebody named again gets a new box.
 * @throws {AppError} as {@link makeEnvelope}
 */
export async function extendEnvelope(input: {
  readonly envelope: SeaEnvelope
  readonly fileKey: Uint8Array
  readonly mediaId: string
  readonly version: number
  readonly recipients: readonly Recipient[]
}): Promise<SeaEnvelope> {
  const { envelope, fileKey, mediaId, version, recipients } = input
  if (fileKey.length !== 32) throw new RangeError('a file key has 32 bytes')
  const people = new Map(recipients.map((recipient) => [recipient.pub, recipient]))
  const names = [...new Set([...envelope.for, ...people.keys()])]
  if (names.length === 0 || names.length > MAX_RECIPIENTS) {
    throw new AppError('BAD_REQUEST', 'An item can be shared with at most 1,000 people.')
  }
  const text = JSON.stringify({ key: Buffer.from(fileKey).toString('base64url'), mediaId, version })
  const keys = { ...envelope.keys }
  let made = 0
  for (const { pub, epub } of people.values()) {
    made += 1
    if (made % BOXES_PER_SLICE === 0) await setImmediate()
    const oneTime = newExchangePair()
    const secret = isPoint(pub) ? seaSecret(epub, oneTime) : undefined
    if (secret === undefined) {
      throw envelopeInvalid('The key of one of these people is damaged, so nothing was encrypted for them.')
    }
    keys[pub] = { epub: oneTime.epub, box: seaEncrypt(text, secret) }
  }
  return { ...envelope, for: names, keys }
}

/**
 * The file key in an envelope, for the owner of `pair`.
 * @param envelope as it stands in a manifest; nothing about it is trusted
 * @returns 32 bytes; whoever asked wipes them
 * @throws {AppError} `KEY_NEEDED` when it holds no box for this pair; `ENVELOPE_INVALID` when that box is damaged, made for another
 * item or a later version, or its one-time key is no point of the curve or somebody's lasting one
 */
export async function openEnvelope(
  envelope: unknown,
  pair: SeaPair,
  context: EnvelopeContext,
): Promise<Buffer> {
  const parsed = SeaEnvelope.safeParse(envelope)
  if (!parsed.success)
    throw envelopeInvalid('The key that came with this item is not in a form Sower can read.')
  const { keys } = parsed.data
  const entry = Object.hasOwn(keys, pair.pub) ? keys[pair.pub] : undefined
  if (entry === undefined) throw keyNeeded()
  if (entry.epub === pair.epub || context.knownEpubs?.includes(entry.epub) === true) throw damagedBox()
  const secret = seaSecret(entry.epub, pair)
  const text = secret === undefined ? undefined : seaDecrypt(entry.box, secret)
  const payload = Payload.safeParse(parseJson(text))
  if (!payload.success) throw damagedBox()
  const { key, mediaId, version } = payload.data
  if (mediaId !== context.mediaId || version > context.version) throw damagedBox()
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

/** A box that should be ours does not hold. */
export function damagedBox(): AppError {
  return envelopeInvalid(
    'The key that was made for you does not fit this item: it is damaged or belongs to another.',
  )
}

function envelopeInvalid(message: string): AppError {
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
