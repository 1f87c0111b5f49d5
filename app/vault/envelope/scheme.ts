import type { KeyEnvelope } from '../../manifest/index.ts'
import type { EnvelopeSubject } from './payload.ts'

/**
 * One way to hand a file key to those who may have it. A manifest carries one envelope, which may hold the key in more than
 * one way.
 */
export interface EnvelopeScheme<Audience> {
  readonly scheme: 'sea' | 'lit'
  /**
   * Puts a file key into an envelope for an audience: a new one, or the given one with what it holds kept.
   * @throws {AppError} `ENVELOPE_INVALID`, `BAD_REQUEST`, `LIT_UNAVAILABLE`
   */
  add(
    envelope: KeyEnvelope | undefined,
    key: EnvelopeSubject & { readonly fileKey: Uint8Array },
    audience: Audience,
  ): Promise<KeyEnvelope>
  /**
   * The file key in an envelope; whoever asked wipes it.
   * @throws {AppError} `KEY_NEEDED` when it holds nothing of this scheme, or nothing for this wallet; `ENVELOPE_INVALID`;
   * `LIT_UNAVAILABLE`
   */
  open(envelope: KeyEnvelope | undefined, subject: EnvelopeSubject): Promise<Buffer>
}
