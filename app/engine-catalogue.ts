import { setImmediate as nextTurn } from 'node:timers/promises'
import { cleanFileName } from './ingest/index.ts'
import type { Db, ItemRow, Library } from './library/index.ts'
import { accessLevelOf, isEncrypted } from './manifest/index.ts'
import type { KnownItem, Network } from './network/index.ts'
import type { Log } from './ports/log.ts'
import type { Catalogue, CatalogueEntry } from './search/index.ts'

export interface CatalogueKeeperOptions {
  readonly db: Pick<Db, 'write'>
  readonly catalogue: Catalogue
  readonly library: Pick<Library, 'get' | 'kept'>
  readonly network: Pick<Network, 'knownOf' | 'knownPart' | 'isKnown'>
  /** Who withdrew an item: 66 hex; undefined when nobody did. */
  readonly withdrawnBy: (mediaId: string) => string | undefined
  /** This node's owner. */
  readonly owner: () => string | null
  readonly log: Log
  /** Told of what can be found now and could not, is different, or can't be found any more. */
  readonly onChange: (mediaIds: string[]) => void
}

/** Items written in one transaction, and how long one may keep everything else waiting. */
const BATCH = 256
const BATCH_MS = 20
/** Items compared between two looks at whether there is something else to do. */
const PART = 500
/** What is said of ciphertext that is not open. */
const SEALED_NAME = 'Encrypted item'
const UNNAMED = 'media'

/**
 * Keeps the catalogue equal to what is believed: the library, and the signed manifests the network brought. Changes are taken in
 * as they come; at the start everything is compared once, so that nothing a crash or another program did stays wrong.
 */
export class CatalogueKeeper {
  readonly #options: CatalogueKeeperOptions
  readonly #queue = new Set<string>()
  #work: Promise<void> | undefined
  #check: Promise<void> | undefined
  #isStopped = false

  constructor(options: CatalogueKeeperOptions) {
    this.#options = options
  }

  /** Compares everything, without keeping anybody waiting. A comparison that is under way is followed by another. */
  check(): Promise<void> {
    const before = this.#check ?? Promise.resolve()
    this.#check = before.then(() => this.#compareAll()).catch((error: unknown) => this.#failed(error))
    return this.#check
  }

  /** Something was said of these, here or in the network. */
  changed(mediaIds: Iterable<string>): void {
    if (this.#isStopped) return
    for (const mediaId of mediaIds) this.#queue.add(mediaId)
    this.#work ??= this.#drain()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#work = undefined
        // What came in the very last turn.
        if (this.#queue.size > 0) this.changed([])
      })
  }

  /** Resolves when everything said so far is in. */
  async settled(): Promise<void> {
    await this.#check
    while (this.#work !== undefined) await this.#work
  }

  /** What is not in yet is found again by the comparison of the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#check
    await this.#work
  }

  async #drain(): Promise<void> {
    await nextTurn()
    while (this.#queue.size > 0 && !this.#isStopped) {
      this.#takeBatch()
      await nextTurn()
    }
    this.#queue.clear()
  }

  #takeBatch(): void {
    const untilMs = performance.now() + BATCH_MS
    const changed: string[] = []
    const done: string[] = []
    this.#options.db.write(() => {
      for (const mediaId of this.#queue) {
        if (this.#options.catalogue.set(mediaId, this.#entriesOf(mediaId))) changed.push(mediaId)
        done.push(mediaId)
        if (done.length >= BATCH || performance.now() > untilMs) break
      }
    })
    for (const mediaId of done) this.#queue.delete(mediaId)
    if (changed.length > 0) this.#options.onChange(changed)
  }

  async #compareAll(): Promise<void> {
    await this.#compare(this.#held())
    await this.#compare(this.#heardOf())
    await this.#compare(this.#indexed())
  }

  /** Takes in, part by part, what does not say `undefined`. */
  async #compare(ids: Iterable<string | undefined>): Promise<void> {
    let part: string[] = []
    let seen = 0
    for (const mediaId of ids) {
      if (this.#isStopped) return
      if (mediaId !== undefined) part.push(mediaId)
      seen += 1
      if (seen % PART > 0) continue
      this.changed(part)
      part = []
      await (this.#work ?? nextTurn())
    }
    this.changed(part)
    await this.#work
  }

  *#held(): Generator<string> {
    for (const { mediaId } of this.#options.library.kept()) yield mediaId
  }

  *#heardOf(): Generator<string | undefined> {
    const { catalogue, network } = this.#options
    for (let after = ''; ;) {
      const part = network.knownPart(after, PART)
      for (const { mediaId, owner, version, isPublic, isWithdrawn } of part) {
        const isIndexed = catalogue.has(mediaId, owner, version)
        // Whom it is shared with is in its manifest: that one has to be read.
        const isRight = isWithdrawn ? !isIndexed : isIndexed && isPublic
        yield isRight ? undefined : mediaId
      }
      const last = part.at(-1)
      if (last === undefined) return
      after = last.mediaId
    }
  }

  /** What is indexed and nobody says any more. */
  *#indexed(): Generator<string | undefined> {
    const { catalogue, library, network } = this.#options
    for (let after = 0; ;) {
      const part = catalogue.part(after, PART)
      for (const { mediaId, owner } of part) {
        const isSaid = library.get(mediaId)?.owner === owner || network.isKnown(mediaId, owner)
        yield isSaid ? undefined : mediaId
      }
      const last = part.at(-1)
      if (last === undefined) return
      after = last.id
    }
  }

  /** What may be found of these bytes: at most one entry for each publisher. */
  #entriesOf(mediaId: string): CatalogueEntry[] {
    const { library, network, withdrawnBy } = this.#options
    const row = library.get(mediaId, { isTrashIncluded: true })
    // What its owner threw away here is not offered to them again; somebody else's is, as others have it.
    if (row?.trashedAtMs !== undefined && row.isOwn) return []
    const withdrawer = withdrawnBy(mediaId)
    const known = network.knownOf(mediaId)
    const held = row?.trashedAtMs === undefined && row?.owner !== withdrawer ? row : undefined
    const heldBefore = known.find(({ manifest }) => manifest.oip.creatorPubKey === held?.owner)
    const others = known.filter(
      (item) => item !== heldBefore && item.manifest.oip.creatorPubKey !== withdrawer && this.#isForUs(item),
    )
    return [
      ...(held === undefined || heldBefore?.revocation !== undefined
        ? []
        : [entryOfRow(held, heldBefore?.pub)]),
      ...others.map(entryOfKnown),
    ]
  }

  /** Everybody's, or shared with this node's owner: what is somebody else's secret only takes room. */
  #isForUs({ manifest, revocation }: KnownItem): boolean {
    if (revocation !== undefined) return false
    if (accessLevelOf(manifest) === 'public') return true
    const owner = this.#options.owner()
    return (
      owner !== null &&
      (manifest.oip.creatorPubKey === owner || (manifest.accessControl.shared_with ?? []).includes(owner))
    )
  }

  #failed(error: unknown): void {
    this.#queue.clear()
    this.#options.log.error('search.keeping-failed', { error })
  }
}

/** A row of the library as an entry. @param pub where the network has it from */
export function entryOfRow(row: ItemRow, pub: string | undefined): CatalogueEntry {
  return {
    mediaId: row.mediaId,
    owner: row.owner,
    name: row.name,
    mime: row.mime,
    sizeBytes: row.sizeBytes,
    createdAtMs: Math.min(Date.parse(row.createdAt), row.addedAtMs),
    accessLevel: row.accessLevel,
    sharedWith: row.sharedWith,
    infoHash: row.infoHash,
    version: row.manifestVersion,
    pub,
    isSealed: row.protection !== 'none',
  }
}

/** What a verified manifest of the network says, as an entry. */
export function entryOfKnown({ manifest, pub, firstSeenMs }: KnownItem): CatalogueEntry {
  return {
    mediaId: manifest.id,
    owner: manifest.oip.creatorPubKey,
    name: nameOf(manifest.name, isEncrypted(manifest)),
    mime: manifest.mime,
    sizeBytes: manifest.size,
    // Nobody stays on top by a date that has not come yet.
    createdAtMs: Math.min(Date.parse(manifest.createdAt), firstSeenMs),
    accessLevel: accessLevelOf(manifest),
    sharedWith: manifest.accessControl.shared_with ?? [],
    infoHash: manifest.transport?.bittorrent?.infoHash,
    version: manifest.version,
    pub,
    isSealed: false,
  }
}

function nameOf(name: string | undefined, isSealed: boolean): string {
  if (name === undefined) return isSealed ? SEALED_NAME : UNNAMED
  return cleanFileName(name)
}
