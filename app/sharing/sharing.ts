import { AppError } from '../contract/index.ts'
import type { AccessRule, Person } from '../contract/index.ts'
import { Keyed } from '../library/index.ts'
import type { ItemRow, Library } from '../library/index.ts'
import { accessLevelOf, buildManifest, litPartIn, SeaEnvelope, signManifest } from '../manifest/index.ts'
import type { KeyEnvelope, Manifest, OwnerSigner } from '../manifest/index.ts'
import { extendEnvelope, fingerprintOf, ruleOfConditions } from '../vault/index.ts'
import type { Contacts, FileKeys, LitScheme } from '../vault/index.ts'
import { requireEncrypted, requireHeld, requireOwn } from './guards.ts'

interface SharingOptions {
  readonly library: Pick<Library, 'get' | 'manifest' | 'addManifestVersion' | 'reopenSealed'>
  readonly fileKeys: Pick<FileKeys, 'get' | 'fetch'>
  readonly contacts: Pick<Contacts, 'get' | 'recipients'>
  readonly lit: Pick<LitScheme, 'add'>
  /** Throws while the wallet is closed. */
  readonly signer: () => OwnerSigner
  /** Throws while the item is being encrypted anew. */
  readonly requireSettled: (mediaId: string) => void
}

/** Who can read an item, and how more people come to. */
export class Sharing {
  readonly #options: SharingOptions
  readonly #turns = new Keyed()

  constructor(options: SharingOptions) {
    this.#options = options
  }

  /** Everybody the item's key was given to by name, its owner first. @throws {AppError} `NOT_FOUND` */
  people(mediaId: string): Person[] {
    const { library, contacts } = this.#options
    const { owner, sharedWith } = requireHeld(library.get(mediaId))
    const others = sharedWith.filter((key) => key !== owner && isPersonKey(key))
    return [owner, ...others].map((key) => {
      const name = contacts.get(key)?.name
      return {
        owner: key,
        ...(name === undefined ? {} : { name }),
        isOwner: key === owner,
        fingerprint: fingerprintOf(key),
      }
    })
  }

  /**
   * Under what the Lit network gives the item's key to others; undefined when it does not. Without `rule`: under conditions that
   * are in no form Sower knows.
   * @throws {AppError} `NOT_FOUND`, and what the library says of the manifest
   */
  async conditions(mediaId: string): Promise<{ rule?: AccessRule } | undefined> {
    const { library } = this.#options
    if (!requireHeld(library.get(mediaId)).hasConditions) return undefined
    const part = litPartIn((await library.manifest(mediaId)).encryption?.keyEnvelope)
    if (part === undefined) return undefined
    const rule = ruleOfConditions(part.conditions)
    return rule === undefined ? {} : { rule }
  }

  /**
   * Gets the key of an item from the Lit network when nothing here gives it, and keeps it.
   * @throws {AppError} `NOT_FOUND`; `KEY_NEEDED` when the network refuses; `LIT_UNAVAILABLE`; the wallet's own error while it is locked
   */
  async openWithLit(mediaId: string): Promise<ItemRow> {
    const { library, fileKeys } = this.#options
    if (requireHeld(library.get(mediaId)).protection !== 'none') {
      const fileKey = await fileKeys.fetch(await library.manifest(mediaId))
      fileKey.fill(0)
      await library.reopenSealed([mediaId])
    }
    return requireHeld(library.get(mediaId))
  }

  /**
   * A new manifest version with an envelope more for each; who can read it already changes nothing.
   * @param people owner keys of contacts
   * @throws {AppError} `NOT_FOUND`, `FORBIDDEN` (somebody else's), `CONFLICT` (not encrypted, or just being encrypted anew),
   *   `KEY_NEEDED`, `BAD_REQUEST` (no contact), `KEYCHAIN_…` or `WALLET_…`, and what the library says of the media folder
   */
  addPeople(mediaId: string, people: readonly string[]): Promise<ItemRow> {
    return this.#turns.run(mediaId, () => this.#addPeople(mediaId, people))
  }

  /**
   * A new manifest version whose key Lit gives to whoever fulfils the rule. The rule before is replaced; what it let somebody
   * read stays readable for them.
   * @throws {AppError} as `addPeople`; `BAD_REQUEST` for a rule that can't be used; `LIT_UNAVAILABLE`
   */
  setConditions(mediaId: string, rule: AccessRule): Promise<ItemRow> {
    return this.#turns.run(mediaId, () => this.#setConditions(mediaId, rule))
  }

  /**
   * The item's key for a link, base64url. Whoever gets it can read the item for ever.
   * @throws {AppError} as `addPeople`
   */
  async linkKey(mediaId: string): Promise<string> {
    const { library, fileKeys, requireSettled } = this.#options
    const row = requireHeld(library.get(mediaId))
    requireOwn(row)
    requireEncrypted(row)
    // The link would be to what is withdrawn in a moment.
    requireSettled(mediaId)
    const fileKey = await fileKeys.get(await library.manifest(mediaId))
    const text = fileKey.toString('base64url')
    fileKey.fill(0)
    return text
  }

  /**
   * What to send to the owner of an item that one can keep but not read.
   * @param link the item's link, without a key
   * @param card gives one's own card as a link
   * @throws {AppError} `NOT_FOUND`; `CONFLICT` when there is nothing to ask for; `UNAVAILABLE` until the wallet was asked
   */
  requestAccess(mediaId: string, link: string, card: () => string): { text: string; owner: string } {
    const row = requireHeld(this.#options.library.get(mediaId))
    if (row.protection !== 'needs-key') throw nothingToAsk(row)
    const text = `May I read this? Please share it with me in Sower:\n${link}\n\nMy card, to add me to your contacts:\n${card()}\n`
    return { text, owner: row.owner }
  }

  async #setConditions(mediaId: string, rule: AccessRule): Promise<ItemRow> {
    const { library, fileKeys, lit, signer, requireSettled } = this.#options
    const row = requireHeld(library.get(mediaId))
    requireOwn(row)
    requireEncrypted(row)
    requireSettled(mediaId)
    const previous = await library.manifest(mediaId)
    const fileKey = await fileKeys.get(previous)
    try {
      const version = previous.version + 1
      const keyEnvelope = await lit.add(previous.encryption?.keyEnvelope, { fileKey, mediaId, version }, rule)
      requireSettled(mediaId)
      return await library.addManifestVersion(mediaId, nextVersion(previous, { keyEnvelope }, signer()))
    } finally {
      fileKey.fill(0)
    }
  }

  async #addPeople(mediaId: string, people: readonly string[]): Promise<ItemRow> {
    const { library, fileKeys, contacts, signer, requireSettled } = this.#options
    const row = requireHeld(library.get(mediaId))
    requireOwn(row)
    requireEncrypted(row)
    requireSettled(mediaId)
    const added = [...new Set(people)].filter((key) => key !== row.owner && !row.sharedWith.includes(key))
    const recipients = contacts.recipients(added)
    const previous = await library.manifest(mediaId)
    const fileKey = await fileKeys.get(previous)
    if (added.length === 0) return row
    try {
      const version = previous.version + 1
      const envelope = envelopeOf(previous)
      const keyEnvelope = await extendEnvelope({ envelope, fileKey, mediaId, version, recipients })
      requireSettled(mediaId)
      const sharedWith = [...row.sharedWith, ...added]
      return await library.addManifestVersion(
        mediaId,
        nextVersion(previous, { keyEnvelope, sharedWith }, signer()),
      )
    } finally {
      fileKey.fill(0)
    }
  }
}

/** @throws {AppError} `ENVELOPE_INVALID` for an envelope of a kind Sower does not add to */
function envelopeOf({ encryption }: Manifest): SeaEnvelope {
  const parsed = SeaEnvelope.safeParse(encryption?.keyEnvelope)
  if (parsed.success) return parsed.data
  throw new AppError(
    'ENVELOPE_INVALID',
    'The key of this item is not kept in a form in which it can be given to more people.',
    { hint: 'Encrypt the item anew, then share it.' },
  )
}

/** The same item with another envelope, and other people when they are named: everything else is carried over. */
function nextVersion(
  previous: Manifest,
  { keyEnvelope, sharedWith }: { keyEnvelope: KeyEnvelope; sharedWith?: readonly string[] },
  signer: OwnerSigner,
): Manifest {
  const { encryption, transport } = previous
  if (encryption === undefined) throw new TypeError('an item without encryption has no envelope')
  const unsigned = buildManifest({
    mediaId: previous.id,
    sizeBytes: previous.size,
    mime: previous.mime,
    name: previous.name,
    accessLevel: sharedWith === undefined ? accessLevelOf(previous) : 'shared',
    owner: signer.publicKey,
    bittorrent: transport?.bittorrent,
    http: transport?.http,
    previous,
  })
  return signManifest(
    {
      ...unsigned,
      encryption: { ...encryption, keyEnvelope },
      accessControl: {
        ...unsigned.accessControl,
        ...(sharedWith === undefined ? {} : { shared_with: [...sharedWith] }),
      },
    },
    signer,
  )
}

function nothingToAsk({ protection, isOwn }: ItemRow): AppError {
  if (protection === 'locked') {
    return new AppError('UNAVAILABLE', 'Whether you can read this item is known when the wallet is open.', {
      hint: 'Unlock the wallet first.',
    })
  }
  const why = protection === 'none' ? 'is not encrypted' : isOwn ? 'is yours' : 'was shared with you'
  return new AppError('CONFLICT', `This item ${why}: there is nothing to ask for.`)
}

/** Other programs may have written other kinds of names there. */
function isPersonKey(key: string): boolean {
  return /^0[23][0-9a-f]{64}$/.test(key)
}
