import { AppError } from '../contract/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import { streamEncryptionOf } from './cipher/encryption-field.ts'
import { committedKeys } from './cipher/plain-reader.ts'
import { openMetadata } from './cipher/sealed-metadata.ts'
import { damagedBox, makeEnvelope, openEnvelope } from './envelope/sea-envelope.ts'
import type { SeaPair } from './envelope/sea.ts'
import type { KeptKey, KeptKeyStore } from './kept-keys.ts'

export interface FileKeysOptions {
  /** The wallet's pair; throws the wallet's own error while it is locked. */
  readonly pair: () => SeaPair
  readonly store: Pick<KeptKeyStore, 'get' | 'put' | 'remove'>
  readonly clock: Pick<Clock, 'nowMs'>
  /** How many keys are held in memory at once. @defaultValue 10,000 */
  readonly maxCached?: number
}

/**
 * The keys of encrypted items: from their envelopes with the wallet's SEA pair, or from links that were opened. In memory
 * only, until the wallet is locked.
 */
export class FileKeys {
  readonly #options: FileKeysOptions
  /** By mediaId, the longest unused first. */
  readonly #cached = new Map<string, Buffer>()
  /** Counts how often everything was forgotten, so that what was under way then is not remembered. */
  #epoch = 0

  constructor(options: FileKeysOptions) {
    this.#options = options
  }

  /**
   * The file key of an encrypted item, checked against the manifest's commitment.
   * @returns 32 bytes, a copy: whoever asked wipes it
   * @throws {AppError} the wallet's own error while it is locked; `KEY_NEEDED` when nobody gave this wallet the key (or it came with
   * a link that has expired); `ENVELOPE_INVALID` when what they gave does not fit; `MANIFEST_INVALID`
   */
  async get(manifest: Manifest): Promise<Buffer> {
    const pair = this.#options.pair()
    streamEncryptionOf(manifest)
    const cached = this.#cached.get(manifest.id)
    if (cached !== undefined && isKeyOf(manifest, cached))
      return Buffer.from(this.#remember(manifest.id, cached))
    const epoch = this.#epoch
    const key = await this.#open(manifest, pair)
    if (!isKeyOf(manifest, key)) {
      key.fill(0)
      throw damagedBox()
    }
    if (epoch === this.#epoch) this.#remember(manifest.id, Buffer.from(key))
    return key
  }

  /**
   * Keeps a key that came with a link, boxed for the wallet's own pair.
   * @param fileKey 32 bytes; left untouched
   * @param expiresAtMs when the link asked to be forgotten, milliseconds since the epoch
   * @throws {AppError} `LINK_INVALID` when the key is not this item's; the wallet's own error while it is locked; `MANIFEST_INVALID`
   */
  async keep(manifest: Manifest, fileKey: Uint8Array, expiresAtMs?: number): Promise<void> {
    const { pub, epub } = this.#options.pair()
    if (!isKeyOf(manifest, fileKey)) {
      throw new AppError(
        'LINK_INVALID',
        'The key in this link opens another item, not this one. It was not kept.',
        {
          hint: 'Ask for the link again, and copy it whole.',
        },
      )
    }
    const { id: mediaId, version } = manifest
    const recipients = [{ owner: manifest.oip.creatorPubKey, pub, epub }]
    const envelope = await makeEnvelope({ fileKey, mediaId, version, recipients })
    const addedAtMs = this.#options.clock.nowMs()
    this.#options.store.put({ mediaId, box: JSON.stringify(envelope), expiresAtMs, addedAtMs })
    this.#forget(mediaId)
  }

  /** Wipes every key in memory: when the wallet is locked, changed or closed. What is kept on disk stays, boxed. */
  forgetAll(): void {
    this.#epoch += 1
    for (const mediaId of this.#cached.keys()) this.#forget(mediaId)
  }

  async #open(manifest: Manifest, pair: SeaPair): Promise<Buffer> {
    const { id: mediaId, version, encryption } = manifest
    try {
      return await openEnvelope(encryption?.keyEnvelope, pair, { mediaId, version })
    } catch (error) {
      const kept = this.#kept(mediaId)
      if (kept === undefined) throw error
      return openEnvelope(JSON.parse(kept.box), pair, { mediaId, version: Number.MAX_SAFE_INTEGER })
    }
  }

  #kept(mediaId: string): KeptKey | undefined {
    const { store, clock } = this.#options
    const kept = store.get(mediaId)
    if (kept?.expiresAtMs === undefined || kept.expiresAtMs > clock.nowMs()) return kept
    store.remove(mediaId)
    return undefined
  }

  #remember(mediaId: string, key: Buffer): Buffer {
    const before = this.#cached.get(mediaId)
    if (before !== key) before?.fill(0)
    this.#cached.delete(mediaId)
    this.#cached.set(mediaId, key)
    const [oldest] = this.#cached.keys()
    if (oldest !== undefined && this.#cached.size > (this.#options.maxCached ?? 10_000)) this.#forget(oldest)
    return key
  }

  #forget(mediaId: string): void {
    this.#cached.get(mediaId)?.fill(0)
    this.#cached.delete(mediaId)
  }
}

/**
 * Whether a key is the one an item was encrypted with, as far as its manifest can tell: by its commitment, or, in a file of one
 * message, by whether it opens the sealed description.
 */
function isKeyOf(manifest: Manifest, fileKey: Uint8Array): boolean {
  const encryption = streamEncryptionOf(manifest)
  const { sealed } = manifest.encryption ?? {}
  try {
    if (encryption.layout === 'stream64k') committedKeys(encryption, fileKey).key.fill(0)
    else if (sealed !== undefined) openMetadata(fileKey, sealed)
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}
