import { randomBytes } from 'node:crypto'
import SimplePeer from '@thaunknown/simple-peer/lite.js'

export type IceServers = readonly { readonly urls: string | readonly string[] }[] | undefined

interface Offer {
  readonly peer: SimplePeer
  readonly infoHash: string
  readonly timer: NodeJS.Timeout
}

const OFFER_MS = 50_000
/** node-datachannel never says that it has found all its addresses; simple-peer would wait five seconds for it. */
const ICE_GATHERING_MS = 1000
/** Each is a connection that is being made: whoever is not answered offers again. */
const MAX_ANSWERING = 16

/** The WebRTC connections that are being made through one tracker: those we offered, and those we were offered. */
export class WebrtcPeers {
  readonly #iceServers: IceServers
  readonly #offers = new Map<string, Offer>()
  /** Those who offered and are not connected yet. */
  readonly #answering = new Set<SimplePeer>()

  constructor(iceServers: IceServers) {
    this.#iceServers = iceServers
  }

  /** What is to be said to somebody who wants to connect; `null` when nothing came of it. */
  offer(infoHash: string): Promise<{ offer: unknown; offer_id: string } | null> {
    return new Promise((resolve) => {
      const id = randomBytes(20).toString('hex')
      const peer = this.#make(true)
      const timer = setTimeout(() => {
        this.#offers.delete(id)
        peer.destroy()
        resolve(null)
      }, OFFER_MS).unref()
      this.#offers.set(id, { peer, infoHash, timer })
      peer.once('signal', (offer: unknown) => resolve({ offer, offer_id: binary(id) }))
      peer.once('error', () => resolve(null))
    })
  }

  /** The offer that was answered, which nobody else can answer then. */
  takeOffer(id: string): Pick<Offer, 'peer' | 'infoHash'> | undefined {
    const offer = this.#offers.get(id)
    clearTimeout(offer?.timer)
    this.#offers.delete(id)
    return offer
  }

  /** One for an offer of somebody else's; `undefined` when enough are being answered. */
  answering(): SimplePeer | undefined {
    if (this.#answering.size >= MAX_ANSWERING) return undefined
    const peer = this.#make(false)
    this.#answering.add(peer)
    for (const event of ['connect', 'close']) peer.once(event, () => this.#answering.delete(peer))
    return peer
  }

  /** Takes back what was offered for this torrent, or for all. */
  dropOffers(infoHash?: string): void {
    for (const [id, offer] of this.#offers) {
      if (infoHash !== undefined && offer.infoHash !== infoHash) continue
      this.takeOffer(id)
      offer.peer.destroy()
    }
  }

  /** Those that are connected stay so. */
  close(): void {
    this.dropOffers()
    for (const peer of this.#answering) peer.destroy()
  }

  #make(isInitiator: boolean): SimplePeer {
    const iceServers = this.#iceServers
    const peer = new SimplePeer({
      initiator: isInitiator,
      trickle: false,
      iceCompleteTimeout: ICE_GATHERING_MS,
      ...(iceServers === undefined ? {} : { config: { iceServers } }),
    })
    peer.on('error', () => undefined) // a failed connection closes; nobody needs to hear of it twice
    return peer
  }
}

/** WebSocket trackers carry bytes as one character each. */
export function binary(hexText: string): string {
  return Buffer.from(hexText, 'hex').toString('latin1')
}

export function hex(binaryText: string): string {
  return Buffer.from(binaryText, 'latin1').toString('hex')
}
