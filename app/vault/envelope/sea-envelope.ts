import { setImmediate } from 'node:timers/promises'
import { AppError } from '../../contract/index.ts'
import { SeaEnvelope } from '../../manifest/index.ts'
import type { KeyEnvelope } from '../../manifest/index.ts'
import { damagedBox, envelopeInvalid, fileKeyIn, keyNeeded, payloadOf } from './payload.ts'
import type { EnvelopeSubject } from './payload.ts'
import type { EnvelopeScheme } from './scheme.ts'
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

interface KeyForPeople extends EnvelopeSubject {
  /** 32 bytes; left untouched. */
  readonly fileKey: Uint8Array
  /** Each `pub` counts once. */
  readonly recipients: readonly Recipient[]
}

const MAX_PEOPLE = 1000
/** A thousand boxes take a second: after so many, everybody else gets a turn. */
const BOXES_PER_SLICE = 16

/**
 * Boxes a file key for each of 1 … 1,000 recipients, with a one-time P-256 pair for each.
 * @throws {AppError} `ENVELOPE_INVALID` when a key of a recipient is not a point of the curve; `BAD_REQUEST` when there are none
 * or too many
 */
export async function makeEnvelope(input: KeyForPeople): Promise<SeaEnvelope> {
  return extendEnvelope({ ...input, envelope: { scheme: 'sea', for: [], keys: {} } })
}

/**
 * The same envelope for more people. Who is in it stays in it; somebody named again gets a new box.
 * @throws {AppError} as {@link makeEnvelope}
 */
export async function extendEnvelope(
  input: KeyForPeople & { readonly envelope: SeaEnvelope },
): Promise<SeaEnvelope> {
  const { envelope, fileKey, recipients } = input
  const people = new Map(recipients.map((recipient) => [recipient.pub, recipient]))
  const names = [...new Set([...envelope.for, ...people.keys()])]
  if (names.length === 0 || names.length > MAX_PEOPLE) {
    throw new AppError('BAD_REQUEST', 'An item can be shared with at most 1,000 people.')
  }
  const text = payloadOf(fileKey, input)
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
 * @param context `knownEpubs`: lasting keys of people, which no one-time key may be equal to
 * @returns 32 bytes; whoever asked wipes them
 * @throws {AppError} `KEY_NEEDED` when it holds no box for this pair; `ENVELOPE_INVALID` when that box is damaged, made for another
 * item or a later version, or its one-time key is no point of the curve or somebody's lasting one
 */
export async function openEnvelope(
  envelope: unknown,
  pair: SeaPair,
  context: EnvelopeSubject & { readonly knownEpubs?: readonly string[] },
): Promise<Buffer> {
  if (!isSea(envelope)) throw keyNeeded()
  const parsed = SeaEnvelope.safeParse(envelope)
  if (!parsed.success)
    throw envelopeInvalid('The key that came with this item is not in a form Sower can read.')
  const { keys } = parsed.data
  const entry = Object.hasOwn(keys, pair.pub) ? keys[pair.pub] : undefined
  if (entry === undefined) throw keyNeeded()
  if (entry.epub === pair.epub || context.knownEpubs?.includes(entry.epub) === true) throw damagedBox()
  const secret = seaSecret(entry.epub, pair)
  return fileKeyIn(secret === undefined ? undefined : seaDecrypt(entry.box, secret), context)
}

/** Keys boxed for people, opened with the wallet's pair. */
export class SeaScheme implements EnvelopeScheme<readonly Recipient[]> {
  readonly scheme = 'sea'
  readonly #pair: () => SeaPair

  /** @param pair throws the wallet's own error while it is locked */
  constructor(pair: () => SeaPair) {
    this.#pair = pair
  }

  /** @throws {AppError} as {@link makeEnvelope}; `BAD_REQUEST` when the envelope is of another scheme */
  async add(
    envelope: KeyEnvelope | undefined,
    key: EnvelopeSubject & { readonly fileKey: Uint8Array },
    recipients: readonly Recipient[],
  ): Promise<KeyEnvelope> {
    if (envelope === undefined) return makeEnvelope({ ...key, recipients })
    const before = SeaEnvelope.safeParse(envelope)
    if (before.success) return extendEnvelope({ ...key, recipients, envelope: before.data })
    throw new AppError(
      'BAD_REQUEST',
      'The key of this item is not boxed for people, so nobody can be added to them.',
    )
  }

  /** @throws {AppError} as {@link openEnvelope}; the wallet's own error while it is locked */
  async open(envelope: KeyEnvelope | undefined, subject: EnvelopeSubject): Promise<Buffer> {
    return openEnvelope(envelope, this.#pair(), subject)
  }
}

function isSea(envelope: unknown): boolean {
  return (
    typeof envelope === 'object' && envelope !== null && 'scheme' in envelope && envelope.scheme === 'sea'
  )
}
