import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../contract/index.ts'
import { cleanFileName } from '../ingest/index.ts'
import { canonicalJson, verifyManifest, type Manifest } from '../manifest/index.ts'
import type { ManifestTaker } from '../seeding/index.ts'
import type { ArrivingBytes } from './arriving-bytes.ts'
import { Descriptions } from './descriptions.ts'
import { undescribed, wrongKey } from './failures.ts'
import { fetchMetainfo, find, withManifest, type Description } from './find.ts'
import type { Incoming } from './incoming.ts'
import type { LinkKeys } from './link-keys.ts'
import { askNetwork, type NetworkFinding } from './network-road.ts'
import type { Proof } from './plain-road.ts'
import type { Plan } from './plan.ts'
import type { FetchNetwork, KeyRing, LeechHandle } from './ports.ts'
import type { Report } from './report.ts'
import type { Roads } from './roads.ts'
import { describedAs, isMedia } from './showing.ts'

interface DescribingInit {
  readonly id: string
  readonly plan: Plan
  readonly save: () => void
  readonly report: Report
  readonly roads: Roads
  readonly incoming: Incoming
  readonly arriving: ArrivingBytes
  readonly linkKeys: LinkKeys
  readonly files: KeyRing['files']
  /** How long a wrong key is not believed to be the link's fault. */
  readonly describeMs: number
  readonly network: FetchNetwork | undefined
  /** For the network's answer, when nobody else says where the item is. */
  readonly networkMs: number
}

/** For a description that fits the link's key, when there is one that does not. */
const MAX_GRACE_MS = 8000
/** Beside other roads the network is not waited for; what it says later counts the next time. */
const NETWORK_BESIDE_MS = 300
const MAX_FOUND = 16
const TOLD = 'It said what this is, or who has it.'
const WITHDRAWN = 'Its owner has withdrawn it.'

/** What one download knows of its item: found with HTTP sources, told by peers, remembered from earlier runs. */
export class Describing {
  readonly #init: DescribingInit
  readonly #descriptions: Descriptions
  #leech: LeechHandle | undefined
  #proof: Proof | 'pieces' = 'none'
  #unfitSinceMs: number | undefined

  constructor(init: DescribingInit) {
    this.#init = init
    const { id, plan, files, linkKeys } = init
    this.#descriptions = new Descriptions({
      plan,
      files,
      linkKey: () => linkKeys.of(id, plan),
      onBest: () => this.#tell(),
    })
  }

  /** The signed description to go by, once there is one. */
  get manifest(): Manifest | undefined {
    return this.#descriptions.best?.manifest
  }

  /** Nothing of it is for DHT, LSD or PEX. */
  get isPrivate(): boolean {
    return this.#init.plan.isEncrypted || this.#descriptions.best?.isEncrypted === true
  }

  /** Nobody has said (in a way that fits the link's key) what the item is. */
  get isUndescribed(): boolean {
    const { best } = this.#descriptions
    return (
      best === undefined || (best.opens === 'no' && this.#init.linkKeys.has(this.#init.id, this.#init.plan))
    )
  }

  /** Asks everybody who can be asked over HTTP, and the network. */
  async find(signal: AbortSignal): Promise<Description> {
    const { plan, roads, report, arriving } = this.#init
    const asking = this.#askNetwork()
    // Whoever waits for it hears what went wrong; when the others fail first, nobody does.
    asking.catch(() => undefined)
    const sources = roads.http()
    const { description, notes, manifests } = await find(plan, sources, signal)
    let found = description
    for (const [label, { state, note, isRemark }] of notes) {
      report.board.set(label, state, isRemark === true ? undefined : note)
      if (isRemark === true && note !== undefined) report.board.remark(label, note)
    }
    await this.#recall()
    for (const { manifest, label } of manifests) await this.#descriptions.consider(manifest, label)
    found = await this.#withNetwork(found, asking, sources.length > 0, signal)
    await this.#descriptions.settled()
    if (found.origin !== undefined && found.manifest !== undefined && found.manifest === this.manifest) {
      plan.described = { manifest: found.manifest, origin: found.origin }
      this.#init.save()
    }
    const remembered = await this.#withTorrent(await this.#remember(found), signal)
    const { sizeBytes, name = plan.name } = remembered
    report.say({
      sources: report.board.view(),
      ...(name === undefined ? {} : { name: cleanFileName(name) }),
      ...(sizeBytes === undefined ? {} : { bytesTotal: sizeBytes }),
    })
    arriving.sizeBytes = sizeBytes
    this.#tell()
    return remembered
  }

  /** What the network says, whenever it does: a manifest is remembered, addresses are asked from then on. */
  async #askNetwork(): Promise<NetworkFinding | null> {
    const { network, plan, save, report } = this.#init
    const finding = await askNetwork(network, plan)
    if (finding === null) return null
    report.board.set('network', 'idle', finding.isWithdrawn ? WITHDRAWN : TOLD)
    const news = finding.addresses.filter((address) => !plan.foundWeb.includes(address))
    plan.foundWeb = [...news, ...plan.foundWeb].slice(0, MAX_FOUND)
    if (finding.manifest !== undefined) await this.#descriptions.consider(finding.manifest, finding.origin)
    if (finding.unsigned !== undefined) plan.isKeptPrivate = finding.unsigned.accessLevel !== 'public'
    if (news.length > 0 || finding.unsigned !== undefined) save()
    return finding
  }

  async #withNetwork(
    found: Description,
    asking: Promise<NetworkFinding | null>,
    hasSources: boolean,
    signal: AbortSignal,
  ): Promise<Description> {
    const { plan, networkMs } = this.#init
    const hasRoad = hasSources || found.infoHash !== undefined || plan.described !== undefined
    const finding = await Promise.race([
      asking,
      sleep(hasRoad ? NETWORK_BESIDE_MS : networkMs, null, { signal, ref: false }),
    ])
    if (finding === null || found.manifest !== undefined) return found
    const { manifest, origin, unsigned } = finding
    if (manifest !== undefined) return withManifest(found, { manifest, origin }, plan.mediaId)
    if (unsigned === undefined) return found
    const { infoHash, name } = unsigned
    return {
      ...found,
      unsigned,
      ...(found.infoHash !== undefined || infoHash === undefined ? {} : { infoHash, origin }),
      ...(found.name !== undefined || name === undefined ? {} : { name }),
    }
  }

  /** The torrent from those that the manifest or the network names, when nobody else has given it. */
  async #withTorrent(description: Description, signal: AbortSignal): Promise<Description> {
    const { infoHash, sizeBytes, metainfo } = description
    const sources =
      infoHash === undefined || metainfo !== undefined ? [] : this.#init.roads.named(description)
    if (infoHash === undefined || sources.length === 0) return description
    const fetched = await fetchMetainfo(sources, infoHash, sizeBytes, signal)
    signal.throwIfAborted()
    return fetched === undefined ? description : { ...description, metainfo: fetched }
  }

  /** What a download of this torrent does with manifests. */
  taker(infoHash: string): ManifestTaker {
    const { arriving } = this.#init
    return {
      offer: () => (this.manifest === undefined ? null : Buffer.from(canonicalJson(this.manifest))),
      isWanted: () => this.#descriptions.isWanted,
      take: (bytes, label) =>
        this.#descriptions.takeFromPeer(bytes, label, { infoHash, sizeBytes: arriving.sizeBytes }),
    }
  }

  /** Who must keep silent when it turns out that the item is encrypted. */
  use(leech: LeechHandle | undefined): void {
    this.#leech = leech
  }

  /** What proves the bytes that arrive from here on. */
  provenBy(proof: Proof | 'pieces'): void {
    this.#proof = proof
    this.#tell()
  }

  /** What proves bytes that come over plain HTTP. */
  proofOf({ metainfo }: Description): Proof {
    const { best } = this.#descriptions
    if (best?.isEncrypted === true) return best.opens === 'yes' ? 'cipher' : 'none'
    return metainfo === undefined ? 'none' : { metainfo }
  }

  /**
   * Why it makes no sense to go on: the link's key has not fitted any description for a while. Anybody can describe bytes they
   * hold, so a single one that does not fit says little.
   */
  fault(): AppError | null {
    const { plan, linkKeys, id, describeMs } = this.#init
    const isUnfit = this.#descriptions.best?.opens === 'no' && linkKeys.has(id, plan)
    const nowMs = performance.now()
    this.#unfitSinceMs = isUnfit ? (this.#unfitSinceMs ?? nowMs) : undefined
    const graceMs = Math.min(describeMs, MAX_GRACE_MS)
    return this.#unfitSinceMs !== undefined && nowMs - this.#unfitSinceMs > graceMs ? wrongKey() : null
  }

  /**
   * An encrypted item is kept as its publisher describes it, or not at all: whoever holds ciphertext can't say what it is. The
   * link's key is kept with it.
   * @param mediaId of the bytes that have arrived
   * @throws {AppError} `NO_SOURCES` when nobody described it; `LINK_INVALID` when the link's key is another item's; the wallet's
   * own error while it is not open
   */
  async settle(mediaId: string): Promise<void> {
    const { plan, id, linkKeys, files, save } = this.#init
    await this.#descriptions.settled()
    const { best } = this.#descriptions
    const isOfThis = best?.manifest.id === mediaId
    if (plan.isEncrypted && (!isOfThis || !best.isEncrypted)) throw undescribed()
    const key = await linkKeys.of(id, plan)
    if (key === null || !isOfThis) return
    try {
      files.keep(best.manifest, key, plan.expiresAtMs)
    } finally {
      key.fill(0)
    }
    delete plan.boxedKey
    linkKeys.forget(id)
    save()
  }

  forget(): void {
    delete this.#init.plan.described
    this.#descriptions.forget()
  }

  /** The description of an earlier run comes before others as good. */
  async #recall(): Promise<void> {
    const { mediaId, described } = this.#init.plan
    if (described === undefined || this.#descriptions.best !== undefined) return
    try {
      const manifest = verifyManifest(described.manifest, { mediaId })
      await this.#descriptions.consider(manifest, described.origin ?? '')
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      delete this.#init.plan.described
    }
  }

  /** What was found beside what an earlier run or a peer found, where the two go together; and the torrent of an earlier run. */
  async #remember(found: Description): Promise<Description> {
    const { plan, incoming } = this.#init
    const { described, mediaId } = plan
    let description = described === undefined ? found : withManifest(found, described, mediaId)
    const { best } = this.#descriptions
    if (best?.isEncrypted === true && best.opens === 'yes') description = { ...description, canOpen: true }
    const { infoHash, metainfo } = description
    if (infoHash === undefined || metainfo !== undefined) return description
    const saved = await incoming.readMetainfo(infoHash)
    return saved === undefined ? description : { ...description, metainfo: saved }
  }

  #tell(): void {
    const { plan, report, save } = this.#init
    const { best } = this.#descriptions
    if (best === undefined) return
    if (plan.described?.manifest !== best.manifest) {
      const { origin } = plan.described ?? {}
      plan.described = { manifest: best.manifest, ...(origin === undefined ? {} : { origin }) }
      save()
    }
    if (this.isPrivate) this.#leech?.goPrivate()
    report.say({
      ...describedAs(best),
      isEncrypted: this.isPrivate,
      isPlayable: this.#proof !== 'none' && isMedia(best),
    })
  }
}
