import { timingSafeEqual } from 'node:crypto'
import { AppError } from '../contract/index.ts'
import { SeaEnvelope, verifyManifest, type Manifest } from '../manifest/index.ts'
import { deriveStreamKeys, openMetadata, streamEncryptionOf, type SealedMetadata } from '../vault/index.ts'
import type { Plan } from './plan.ts'
import type { KeyRing } from './ports.ts'

/** Whether this node can read what a manifest describes; unknown while the wallet is not open. */
type Opens = 'yes' | 'no' | 'unknown'

/** A manifest whose schema, id and signature hold. */
export interface KnownManifest {
  readonly manifest: Manifest
  /** Who gave it. */
  readonly label: string
  readonly isEncrypted: boolean
  readonly opens: Opens
  /** What is sealed in it, where it can be read. */
  readonly sealed?: SealedMetadata
}

interface DescriptionsInit {
  readonly plan: Plan
  readonly files: KeyRing['files']
  /** The key the link brought. */
  readonly linkKey: () => Promise<Buffer | null>
  /** Another one is the best now. */
  readonly onBest: (best: KnownManifest) => void
}

/** How many sources are asked for a manifest this node can open, once there is one that it can't. */
const MAX_OTHERS = 8

/**
 * The signed descriptions of one item that its sources gave, and which of them to go by. Anybody can sign a description of
 * bytes they hold; of an encrypted item the one counts that the link's key or this wallet opens.
 */
export class Descriptions {
  readonly #init: DescriptionsInit
  readonly #askedLabels = new Set<string>()
  #best: KnownManifest | undefined
  #turn: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  constructor(init: DescriptionsInit) {
    this.#init = init
  }

  get best(): KnownManifest | undefined {
    return this.#best
  }

  get isWanted(): boolean {
    return this.#best === undefined || (this.#best.opens === 'no' && this.#askedLabels.size < MAX_OTHERS)
  }

  /**
   * Judges what a peer of this torrent gave.
   * @returns what is false in it; `null` when there is nothing to say against it
   */
  takeFromPeer(
    bytes: Uint8Array,
    label: string,
    torrent: { readonly infoHash: string; readonly sizeBytes: number | undefined },
  ): string | null {
    let manifest
    try {
      manifest = verifyManifest(parseJson(bytes), { mediaId: this.#init.plan.mediaId })
    } catch (error) {
      if (error instanceof AppError) return error.message
      throw error
    }
    const isOfTorrent = manifest.transport?.bittorrent?.infoHash === torrent.infoHash
    if (!isOfTorrent || (torrent.sizeBytes !== undefined && manifest.size !== torrent.sizeBytes))
      return 'It described another file than the one asked for.'
    // Never rejects: what goes wrong is said when it is settled.
    void this.consider(manifest, label)
    return null
  }

  /** Takes a (verified) manifest into account; several at once take their turn. */
  consider(manifest: Manifest, label: string): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#consider(manifest, label))
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error('a manifest could not be looked at')
      })
    return this.#turn
  }

  /**
   * What was given so far has been looked at.
   * @throws what went wrong meanwhile, on this node's side
   */
  async settled(): Promise<void> {
    await this.#turn
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** The one that was gone by turned out to be of something else. */
  forget(): void {
    this.#best = undefined
  }

  async #consider(manifest: Manifest, label: string): Promise<void> {
    this.#askedLabels.add(label)
    const isEncrypted = manifest.encryption?.enabled === true
    // Somebody who fetched the ciphertext without knowing what it was may have described it as a file like any other.
    if (this.#init.plan.isEncrypted && !isEncrypted) return
    const known = { manifest, label, isEncrypted, ...(await this.#look(manifest, isEncrypted)) }
    if (this.#best !== undefined && !this.#isBetter(known, this.#best)) return
    this.#best = known
    this.#init.onBest(known)
  }

  async #look(
    manifest: Manifest,
    isEncrypted: boolean,
  ): Promise<{ readonly opens: Opens; readonly sealed?: SealedMetadata }> {
    if (!isEncrypted) return { opens: 'yes' }
    let key: Buffer | null = null
    try {
      key = await this.#key(manifest)
      const sealed = manifest.encryption?.sealed
      return { opens: 'yes', ...(sealed === undefined ? {} : { sealed: openMetadata(key, sealed) }) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return { opens: isAboutWallet(error) ? 'unknown' : 'no' }
    } finally {
      key?.fill(0)
    }
  }

  async #key(manifest: Manifest): Promise<Buffer> {
    const key = await this.#init.linkKey()
    if (key === null) return this.#init.files.get(manifest)
    if (fits(manifest, key)) return key
    key.fill(0)
    throw new AppError('KEY_NEEDED', 'The key of the link does not open what this manifest describes.')
  }

  #isBetter(next: KnownManifest, best: KnownManifest): boolean {
    const [a, b] = [this.#rank(next), this.#rank(best)]
    const isSamePublisher = next.manifest.oip.creatorPubKey === best.manifest.oip.creatorPubKey
    return a > b || (a === b && isSamePublisher && next.manifest.version > best.manifest.version)
  }

  #rank({ opens, manifest, isEncrypted }: KnownManifest): number {
    const { pub } = this.#init.plan
    const { keyEnvelope } = manifest.encryption ?? {}
    const isNamed =
      pub !== undefined &&
      (manifest.oip.creatorPubKey === pub ||
        SeaEnvelope.safeParse(keyEnvelope).data?.for.includes(pub) === true)
    // That a key opens it says more for a description than any signature of somebody unknown.
    const weight = opens === 'yes' ? (isEncrypted ? 6 : 4) : opens === 'unknown' ? 2 : 0
    return weight + Number(isNamed)
  }
}

/** Whether these are the wallet's own errors: they say nothing about the item. */
export function isAboutWallet({ code }: AppError): boolean {
  return /^(WALLET|KEYCHAIN)_/.test(code)
}

/** Whether this is the key an item was encrypted with, as far as its manifest can tell. */
function fits(manifest: Manifest, fileKey: Uint8Array): boolean {
  const encryption = streamEncryptionOf(manifest)
  // A file of one message has no commitment: what is sealed shows it, else the bytes themselves do.
  if (encryption.layout === 'single') return true
  const keys = deriveStreamKeys(fileKey, encryption.salt)
  keys.key.fill(0)
  return timingSafeEqual(keys.commitment, encryption.commitment)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined // no manifest either
  }
}
