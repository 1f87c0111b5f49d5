import { AppError } from '../contract/index.ts'
import { litPartIn } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import { streamEncryptionOf } from './cipher/encryption-field.ts'
import { committedKeys } from './cipher/plain-reader.ts'
import { openMetadata } from './cipher/sealed-metadata.ts'
import { damagedBox } from './envelope/payload.ts'
import type { EnvelopeScheme } from './envelope/scheme.ts'
import { SeaScheme } from './envelope/sea-envelope.ts'
import type { SeaPair } from './envelope/sea.ts'
import type { KeptKey, KeptKeys } from './kept-keys.ts'

export interface FileKeysOptions {
  /** The wallet's pair; throws the wallet's own error while it is locked. */
  readonly pair: () => SeaPair
  readonly kept: Pick<KeptKeys, 'get' | 'put' | 'remove'>
  readonly clock: Pick<Clock, 'nowMs'>
  /** Asked only by {@link FileKeys.fetch}. Absent: nobody is. */
  readonly lit?: Pick<EnvelopeScheme<never>, 'open'>
  /** How many keys are held in memory at once. @defaultValue 10,000 */
  readonly maxCached?: number
}

interface CachedKey {
  readonly key: Buffer
  /** When the link it came with asked to be forgotten. */
  readonly expiresAtMs: number
}

/**
 * The keys of encrypted items: from their envelopes with the wallet's SEA pair, or from links that were opened. In memory
 * only, until the wallet is locked.
 */
export class FileKeys {
  readonly #options: FileKeysOptions
  readonly #sea: SeaScheme
  /** By mediaId, the longest unused first. */
  readonly #cached = new Map<string, CachedKey>()
  /** Counts how often everything was forgotten, so that what was under way then is not remembered. */
  #epoch = 0

  constructor(options: FileKeysOptions) {
    this.#options = options
    this.#sea = new SeaScheme(options.pair)
  }

  /**
   * The file key of an encrypted item, checked against the manifest's commitment. Asks no network.
   * @returns 32 bytes, a copy: whoever asked wipes it
   * @throws {AppError} the wallet's own error while it is locked; `KEY_NEEDED` when nobody gave this wallet the key (or it came with
   * a link that has expired); `ENVELOPE_INVALID` when what they gave does not fit; `MANIFEST_INVALID`
   */
  async get(manifest: Manifest): Promise<Buffer> {
    this.#options.pair()
    streamEncryptionOf(manifest)
    const cached = this.#cached.get(manifest.id)
    if (
      cached !== undefined &&
      cached.expiresAtMs > this.#options.clock.nowMs() &&
      isKeyOf(manifest, cached.key)
    ) {
      return this.#remember(manifest.id, Buffer.from(cached.key), cached.expiresAtMs)
    }
    const epoch = this.#epoch
    const { key, expiresAtMs } = await this.#open(manifest)
    return epoch === this.#epoch ? this.#remember(manifest.id, key, expiresAtMs) : key
  }

  /**
   * The same, and asks the Lit network when the envelope says so and nothing else gives the key. What the network gives is kept.
   * @throws {AppError} as {@link FileKeys.get}; `LIT_UNAVAILABLE`
   */
  async fetch(manifest: Manifest): Promise<Buffer> {
    try {
      return await this.get(manifest)
    } catch (error) {
      const { lit } = this.#options
      const envelope = manifest.encryption?.keyEnvelope
      if (
        litPartIn(envelope) === undefined ||
        lit === undefined ||
        !(error instanceof AppError) ||
        error.code !== 'KEY_NEEDED'
      )
        throw error
      const epoch = this.#epoch
      const key = checked(
        manifest,
        await lit.open(envelope, { mediaId: manifest.id, version: manifest.version }),
      )
      try {
        this.keep(manifest, key)
      } catch (error_) {
        // It can be asked for again; somebody is waiting to read.
        if (!(error_ instanceof AppError)) throw error_
      }
      return epoch === this.#epoch ? this.#remember(manifest.id, key, Infinity) : key
    }
  }

  /**
   * Keeps a key that came with a link, sealed for this wallet, in the media folder; of several links the one that lasts longest
   * counts.
   * @param fileKey 32 bytes; left untouched
   * @param expiresAtMs when the link asked to be forgotten, milliseconds since the epoch
   * @throws {AppError} `LINK_INVALID` when the key is not this item's; the wallet's own error while it is locked;
   * `MANIFEST_INVALID`; `MEDIA_OFFLINE`, `MEDIA_READ_ONLY`, `DISK_FULL`
   */
  keep(manifest: Manifest, fileKey: Uint8Array, expiresAtMs?: number): void {
    this.#options.pair()
    if (!isKeyOf(manifest, fileKey)) {
      const message = 'The key in this link opens another item, not this one. It was not kept.'
      throw new AppError('LINK_INVALID', message, { hint: 'Ask for the link again, and copy it whole.' })
    }
    const copy = Buffer.from(fileKey)
    this.#options.kept.put({ mediaId: manifest.id, fileKey: copy, expiresAtMs })
    copy.fill(0)
    this.#forget(manifest.id)
  }

  /** Whether the item's own envelope gives this wallet the key. @throws {AppError} as {@link FileKeys.get}, but for `KEY_NEEDED` */
  async isGiven(manifest: Manifest): Promise<boolean> {
    this.#options.pair()
    try {
      ;(await this.#given(manifest)).fill(0)
      return true
    } catch (error) {
      if (error instanceof AppError) return false
      throw error
    }
  }

  /** Wipes every key in memory: when the wallet is locked, changed or closed. What is kept on disk stays, boxed. */
  forgetAll(): void {
    this.#epoch += 1
    for (const mediaId of this.#cached.keys()) this.#forget(mediaId)
  }

  /** The key from the envelope or, when that gives none that fits, from what was kept. */
  async #open(manifest: Manifest): Promise<CachedKey> {
    try {
      return { key: await this.#given(manifest), expiresAtMs: Infinity }
    } catch (error) {
      const kept = await this.#kept(manifest.id)
      if (kept === undefined) throw error
      return { key: checked(manifest, kept.fileKey), expiresAtMs: kept.expiresAtMs ?? Infinity }
    }
  }

  async #given(manifest: Manifest): Promise<Buffer> {
    const { id: mediaId, version, encryption } = manifest
    return checked(manifest, await this.#sea.open(encryption?.keyEnvelope, { mediaId, version }))
  }

  async #kept(mediaId: string): Promise<KeptKey | undefined> {
    const { kept: store, clock } = this.#options
    const kept = await store.get(mediaId)
    if (kept?.expiresAtMs === undefined || kept.expiresAtMs > clock.nowMs()) return kept
    kept.fileKey.fill(0)
    try {
      store.remove(mediaId)
    } catch (error) {
      // A media folder that can't be written to keeps what nobody uses any more.
      if (!(error instanceof AppError)) throw error
    }
    return undefined
  }

  /** @returns `key`; what is remembered is a copy, so that wiping one leaves the other */
  #remember(mediaId: string, key: Buffer, expiresAtMs: number): Buffer {
    this.#forget(mediaId)
    this.#cached.set(mediaId, { key: Buffer.from(key), expiresAtMs })
    const [oldest] = this.#cached.keys()
    if (oldest !== undefined && this.#cached.size > (this.#options.maxCached ?? 10_000)) this.#forget(oldest)
    return key
  }

  #forget(mediaId: string): void {
    this.#cached.get(mediaId)?.key.fill(0)
    this.#cached.delete(mediaId)
  }
}

/** @throws {AppError} `ENVELOPE_INVALID`, with the key wiped, when it is not the item's */
function checked(manifest: Manifest, key: Buffer): Buffer {
  if (isKeyOf(manifest, key)) return key
  key.fill(0)
  throw damagedBox()
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
