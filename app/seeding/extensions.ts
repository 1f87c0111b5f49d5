import type { Wire, WireExtensionClass } from 'webtorrent/lib/peer.js'
import { decodeDict, encode } from './bencode.ts'
import { sha1Hex } from './metainfo.ts'

/**
 * Sends a message of an extension; nothing to a peer that has gone, or takes none: it may say so at any time, by the
 * number 0 or with a later handshake.
 * @see https://www.bittorrent.org/beps/bep_0010.html
 */
export function sendExtended(wire: Wire, name: string, payload: Uint8Array): void {
  const number = wire.peerExtendedMapping[name] ?? 0
  if (!wire.destroyed && number > 0 && number < 256) wire.extended(name, payload)
}

const METADATA_BLOCK = 16 * 1024
const MAX_METADATA_BYTES = 10 * 1024 * 1024
const MAX_REFUSALS = 64

interface MetadataExchange {
  readonly infoHash: string
  /** The raw info dictionary, once known. */
  info(): Uint8Array | null
  /** A whole info dictionary whose SHA-1 is the infoHash. */
  onInfo(info: Uint8Array): void
}

/**
 * Gives the info dictionary to peers that came by a magnet link, and asks for it where we did.
 * @see https://www.bittorrent.org/beps/bep_0009.html
 */
export function metadataExtension(exchange: MetadataExchange): WireExtensionClass {
  class Metadata {
    readonly #wire: Wire
    #buffer: Uint8Array | null = null
    #missing = new Set<number>()
    #isAsked = false
    #refusals = 0

    constructor(wire: Wire) {
      this.#wire = wire
      const info = exchange.info()
      if (info !== null) wire.extendedHandshake['metadata_size'] = info.length
    }

    onExtendedHandshake(handshake: Readonly<Record<string, unknown>>): void {
      const size = handshake['metadata_size']
      // A later handshake changes nothing: it could be sent to have everything asked again, over and over.
      if (exchange.info() !== null || this.#isAsked) return
      if (typeof size !== 'number' || size <= 0 || size > MAX_METADATA_BYTES) return
      this.#isAsked = true
      this.#buffer = new Uint8Array(size)
      for (let piece = 0; piece * METADATA_BLOCK < size; piece += 1) {
        this.#missing.add(piece)
        this.#send({ msg_type: 0, piece })
      }
    }

    onMessage(payload: Uint8Array): void {
      let message
      try {
        message = decodeDict(payload)
      } catch {
        return // a message we can't read is not worth the connection
      }
      const kind = message.dict.get('msg_type')
      const piece = message.dict.get('piece')
      if (typeof piece !== 'number' || piece < 0) return
      if (kind === 0) this.#onRequest(piece)
      else if (kind === 1) this.#onData(piece, payload.subarray(message.endOffset))
      else if (kind === 2) this.#onRefusal(piece)
    }

    #onRequest(piece: number): void {
      const info = exchange.info()
      const block = info?.subarray(piece * METADATA_BLOCK, (piece + 1) * METADATA_BLOCK)
      if (info === null || block === undefined || block.length === 0) this.#send({ msg_type: 2, piece })
      else this.#send({ msg_type: 1, piece, total_size: info.length }, block)
    }

    #onData(piece: number, block: Uint8Array): void {
      const buffer = this.#buffer
      if (buffer === null || !this.#missing.has(piece) || exchange.info() !== null) return
      const wanted = Math.min(METADATA_BLOCK, buffer.length - piece * METADATA_BLOCK)
      if (block.length !== wanted) return
      buffer.set(block, piece * METADATA_BLOCK)
      this.#missing.delete(piece)
      if (this.#missing.size > 0) return
      this.#buffer = null
      if (sha1Hex(buffer) === exchange.infoHash) exchange.onInfo(buffer)
      else this.#wire.destroy()
    }

    #onRefusal(piece: number): void {
      this.#refusals += 1
      if (this.#refusals > MAX_REFUSALS || !this.#missing.has(piece)) return
      setTimeout(() => {
        if (!this.#wire.destroyed && exchange.info() === null) this.#send({ msg_type: 0, piece })
      }, 1000).unref()
    }

    #send(message: Record<string, number>, block: Uint8Array = new Uint8Array()): void {
      sendExtended(this.#wire, 'ut_metadata', Buffer.concat([encode(message), block]))
    }
  }
  // Wire registers an extension under its prototype's name.
  Object.assign(Metadata.prototype, { name: 'ut_metadata' })
  return Metadata
}

const PEX_INTERVAL_MS = 60_000
const PEX_MAX_PEERS = 50

interface PeerExchange {
  /** Addresses (`ip:port`) of peers of this torrent that can be dialled. */
  addresses(): Iterable<string>
  onAddress(address: string): void
}

/**
 * Tells peers of other peers and learns of some (IPv4), once a minute.
 * @see https://www.bittorrent.org/beps/bep_0011.html
 */
export function pexExtension(exchange: PeerExchange): WireExtensionClass {
  class Pex {
    readonly #wire: Wire
    readonly #told = new Set<string>()
    #heardAtMs = -Infinity
    #isReady = false

    constructor(wire: Wire) {
      this.#wire = wire
    }

    onExtendedHandshake(): void {
      if (this.#isReady) return
      this.#isReady = true
      const tell = (): void => this.#tell()
      const first = setTimeout(tell, 2000).unref()
      const timer = setInterval(tell, PEX_INTERVAL_MS).unref()
      this.#wire.once('close', () => {
        clearTimeout(first)
        clearInterval(timer)
      })
    }

    onMessage(payload: Uint8Array): void {
      const nowMs = performance.now()
      if (nowMs - this.#heardAtMs < PEX_INTERVAL_MS / 2) return
      this.#heardAtMs = nowMs
      let added
      try {
        added = decodeDict(payload).dict.get('added')
      } catch {
        return // a message we can't read is not worth the connection
      }
      if (added instanceof Uint8Array)
        for (const address of compactAddresses(added).slice(0, PEX_MAX_PEERS)) exchange.onAddress(address)
    }

    #tell(): void {
      if (this.#wire.destroyed) return
      const fresh = [...exchange.addresses()]
        .filter((address) => !this.#told.has(address))
        .slice(0, PEX_MAX_PEERS)
      if (fresh.length === 0) return
      for (const address of fresh) this.#told.add(address)
      const added = compact(fresh)
      const message = { added, 'added.f': new Uint8Array(added.length / 6), dropped: '' }
      sendExtended(this.#wire, 'ut_pex', encode(message))
    }
  }
  Object.assign(Pex.prototype, { name: 'ut_pex' })
  return Pex
}

/** `ip:port` for every 6 bytes of a compact IPv4 peer list (BEP 23). */
export function compactAddresses(bytes: Uint8Array): string[] {
  const addresses: string[] = []
  for (let at = 0; at + 6 <= bytes.length; at += 6) {
    const port = (bytes[at + 4]! << 8) | bytes[at + 5]!
    if (port > 0) addresses.push(`${bytes.subarray(at, at + 4).join('.')}:${String(port)}`)
  }
  return addresses
}

function compact(addresses: readonly string[]): Uint8Array {
  const bytes = addresses.flatMap((address) => {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)$/.exec(address)
    if (match === null) return []
    const port = Number(match[5])
    return [...match.slice(1, 5).map(Number), port >> 8, port & 0xff]
  })
  return Uint8Array.from(bytes)
}
