import type { Wire, WireExtensionClass } from 'webtorrent/lib/peer.js'
import { decodeDict, encode } from './bencode.ts'
import { sendExtended } from './extensions.ts'

/** Of one manifest, canonical JSON. */
const MAX_MANIFEST_BYTES = 1024 * 1024
const PIECE_BYTES = 16 * 1024
const REQUEST = 0
const DATA = 1
const REFUSAL = 2
/** What one connection may ask for at once, and how much comes back to it every second; more is refused. */
const SERVED_BURST = 128
const SERVED_PER_SEC = 8
/** Somebody who had none may have one later; somebody who stopped half-way may go on. */
const ASK_AGAIN_MS = 10_000
const MAX_ASKS = 30

/** What a session has to do with manifests. */
export interface ManifestExchange {
  /** The newest signed manifest of this torrent's item as canonical JSON; `null` when there is none to give. */
  offer(): Promise<Uint8Array | null>
  isWanted(): boolean
  /** Somebody gave this; nothing in it has been checked. */
  onManifest(bytes: Uint8Array): void
  /** How to ask the peers there are now, for as long as each is there. */
  readonly asks: Set<() => void>
}

/**
 * Passes the signed manifest of an item on between Sower nodes, so that a link alone is enough. Other programs never see
 * more of it than a name in the extended handshake. Described in docs/links.md.
 * @see https://www.bittorrent.org/beps/bep_0010.html
 */
export function manifestExtension(exchange: ManifestExchange): WireExtensionClass {
  class ManifestPieces {
    readonly #wire: Wire
    /** What is being given to this peer: one and the same from its first piece to its last. */
    #given: Promise<Uint8Array | null> | null = null
    #budget = SERVED_BURST
    #budgetAtMs = performance.now()
    #buffer: Uint8Array | null = null
    readonly #missing = new Set<number>()
    #isReady = false
    #asks = 0
    #askedAtMs = -Infinity
    #isAsked = false

    constructor(wire: Wire) {
      this.#wire = wire
    }

    onExtendedHandshake(): void {
      if (this.#isReady) return
      this.#isReady = true
      const ask = (): void => this.#ask()
      exchange.asks.add(ask)
      const timer = setInterval(ask, ASK_AGAIN_MS).unref()
      this.#wire.once('close', () => {
        clearInterval(timer)
        exchange.asks.delete(ask)
      })
      ask()
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
      const total = message.dict.get('total_size')
      if (typeof piece !== 'number' || !Number.isInteger(piece) || piece < 0) return
      if (kind === REQUEST) this.#onRequest(piece).catch(() => this.#wire.destroy())
      else if (kind === DATA && typeof total === 'number')
        this.#onData(piece, total, payload.subarray(message.endOffset))
      else if (kind === REFUSAL) this.#forget()
    }

    #ask(): void {
      const nowMs = performance.now()
      const isUnderWay = this.#isAsked && nowMs - this.#askedAtMs < ASK_AGAIN_MS
      if (isUnderWay || this.#asks >= MAX_ASKS || !exchange.isWanted()) return
      this.#forget()
      this.#asks += 1
      this.#askedAtMs = nowMs
      this.#isAsked = true
      this.#send({ msg_type: REQUEST, piece: 0 })
    }

    #onData(piece: number, total: number, bytes: Uint8Array): void {
      if (!this.#isAsked || !Number.isInteger(total) || total < 1 || total > MAX_MANIFEST_BYTES) return
      if (this.#buffer === null) {
        if (piece !== 0) return
        this.#buffer = new Uint8Array(total)
        for (let next = 0; next * PIECE_BYTES < total; next += 1) this.#missing.add(next)
        for (const next of this.#missing) if (next > 0) this.#send({ msg_type: REQUEST, piece: next })
      }
      const buffer = this.#buffer
      const wanted = Math.min(PIECE_BYTES, buffer.length - piece * PIECE_BYTES)
      if (total !== buffer.length || bytes.length !== wanted || !this.#missing.delete(piece)) return
      buffer.set(bytes, piece * PIECE_BYTES)
      if (this.#missing.size > 0) return
      this.#forget()
      if (exchange.isWanted()) exchange.onManifest(buffer)
    }

    async #onRequest(piece: number): Promise<void> {
      if (!this.#maySend()) {
        this.#send({ msg_type: REFUSAL, piece })
        return
      }
      if (piece === 0) this.#given = exchange.offer().catch(() => null)
      const bytes = (await this.#given) ?? null
      const part = bytes?.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)
      if (bytes === null || bytes.length > MAX_MANIFEST_BYTES || part === undefined || part.length === 0)
        this.#send({ msg_type: REFUSAL, piece })
      else this.#send({ msg_type: DATA, piece, total_size: bytes.length }, part)
    }

    #maySend(): boolean {
      const nowMs = performance.now()
      const refilled = ((nowMs - this.#budgetAtMs) / 1000) * SERVED_PER_SEC
      this.#budget = Math.min(SERVED_BURST, this.#budget + refilled)
      this.#budgetAtMs = nowMs
      if (this.#budget < 1) return false
      this.#budget -= 1
      return true
    }

    #forget(): void {
      this.#isAsked = false
      this.#buffer = null
      this.#missing.clear()
    }

    #send(message: Record<string, number>, bytes: Uint8Array = new Uint8Array()): void {
      sendExtended(this.#wire, 'sower_manifest', Buffer.concat([encode(message), bytes]))
    }
  }
  // Wire registers an extension under its prototype's name.
  Object.assign(ManifestPieces.prototype, { name: 'sower_manifest' })
  return ManifestPieces
}
