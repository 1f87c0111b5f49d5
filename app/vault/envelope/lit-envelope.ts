import { AppError } from '../../contract/index.ts'
import type { AccessRule } from '../../contract/index.ts'
import { LitEnvelope, litPartIn, SeaEnvelope } from '../../manifest/index.ts'
import type { KeyEnvelope, LitPart } from '../../manifest/index.ts'
import { litConditionsOf } from './lit-conditions.ts'
import { damagedBox, envelopeInvalid, fileKeyIn, keyNeeded, payloadOf } from './payload.ts'
import type { EnvelopeSubject } from './payload.ts'
import type { EnvelopeScheme } from './scheme.ts'

/** What is asked of the Lit network. Made anew for each use; whoever made it closes it. */
export interface LitNetwork {
  encrypt(
    plain: Uint8Array,
    conditions: readonly unknown[],
  ): Promise<Pick<LitPart, 'ciphertext' | 'dataToEncryptHash'>>
  /** @throws {AppError} `KEY_NEEDED` when the network says that this wallet does not fulfil the conditions */
  decrypt(part: LitPart): Promise<Uint8Array>
  close(): Promise<void>
}

/** @defaultValue half a minute */
const DEFAULT_TIMEOUT_MS = 30_000

/** Keys kept by the Lit network for whoever fulfils conditions. Its SDK is loaded when the first key is asked for, not before. */
export class LitScheme implements EnvelopeScheme<AccessRule | LitPart['conditions']> {
  readonly scheme = 'lit'
  readonly #connect: () => Promise<LitNetwork>
  readonly #timeoutMs: number

  /** @param connect loads the SDK and reaches the network; throws `LIT_UNAVAILABLE` when the SDK is not installed */
  constructor(connect: () => Promise<LitNetwork>, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
    this.#connect = connect
    this.#timeoutMs = timeoutMs
  }

  /**
   * Lets whoever fulfils the rule have the key as well; the boxes for people stay. A rule that was there is replaced.
   * @param rule or conditions in the network's own form, as {@link litPartIn} found them
   * @throws {AppError} `BAD_REQUEST` for conditions that can't be used; `LIT_UNAVAILABLE`
   */
  async add(
    envelope: KeyEnvelope | undefined,
    key: EnvelopeSubject & { readonly fileKey: Uint8Array },
    rule: AccessRule | LitPart['conditions'],
  ): Promise<KeyEnvelope> {
    const conditions = isConditions(rule) ? rule : litConditionsOf(rule)
    const plain = Buffer.from(payloadOf(key.fileKey, key), 'utf8')
    try {
      const sealed = await this.#ask(async (network) => network.encrypt(plain, conditions))
      const part = { conditions, ciphertext: sealed.ciphertext, dataToEncryptHash: sealed.dataToEncryptHash }
      const people = SeaEnvelope.safeParse(envelope)
      const whole = people.success ? { ...people.data, lit: part } : { scheme: 'lit' as const, ...part }
      if (people.success ? SeaEnvelope.safeParse(whole).success : LitEnvelope.safeParse(whole).success)
        return whole
    } finally {
      plain.fill(0)
    }
    throw unavailable('The Lit network answered with something that is no key. Nothing was shared.')
  }

  /** @throws {AppError} `KEY_NEEDED` when the envelope says nothing of Lit or the network refuses; `LIT_UNAVAILABLE`; `ENVELOPE_INVALID` */
  async open(envelope: KeyEnvelope | undefined, subject: EnvelopeSubject): Promise<Buffer> {
    const part = litPartOf(envelope)
    if (part === undefined) throw keyNeeded()
    const plain = await this.#ask(async (network) => network.decrypt(part))
    if (plain.length > 4096) throw damagedBox()
    const key = fileKeyIn(Buffer.from(plain).toString('utf8'), subject)
    plain.fill(0)
    return key
  }

  /** One question to the network, answered in time or not at all. */
  async #ask<T>(question: (network: LitNetwork) => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(unavailable('The Lit network did not answer in time.')),
        this.#timeoutMs,
      )
    })
    const connecting = this.#connect()
    const close = async () => (await connecting).close()
    try {
      return await Promise.race([connecting.then(question), late])
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      throw unavailable('The Lit network could not be reached, or could not answer.', cause)
    } finally {
      clearTimeout(timer)
      // The answer is what counts; a connection that fails to close, or was never made, ends with its sockets.
      close().catch(() => undefined)
    }
  }
}

function isConditions(rule: AccessRule | LitPart['conditions']): rule is LitPart['conditions'] {
  return Array.isArray(rule)
}

/** Whether an envelope can be opened through Lit. */
export function litPartOf(envelope: KeyEnvelope | undefined): LitPart | undefined {
  if (envelope === undefined) return undefined
  if (envelope.scheme === 'sea' && !SeaEnvelope.safeParse(envelope).success)
    throw envelopeInvalid('The key that came with this item is not in a form Sower can read.')
  return litPartIn(envelope)
}

/** @param cause what the SDK said; its first line is kept, as errors of the SDK carry whole requests with them */
export function unavailable(message: string, cause?: unknown): AppError {
  return new AppError('LIT_UNAVAILABLE', message, {
    cause: cause instanceof Error ? new Error(cause.message.split('\n')[0]?.slice(0, 200)) : undefined,
    hint: 'Try again later, or ask the owner to share it with you directly. Items shared with people are not affected.',
  })
}
