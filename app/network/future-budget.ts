import { makeNode, valuesOf } from './graph.ts'
import type { GunGraph, GunNode } from './graph.ts'

/** Bytes of messages with values dated into the future that may be held until these are due, in all and of one peer. */
const MAX_BYTES = 8 * 1024 * 1024
const MAX_BYTES_PER_PEER = 2 * 1024 * 1024
/** What a value takes besides its text. */
const BYTES_PER_VALUE = 500

/** Bounds what GUN holds in timers: it keeps a value that is dated into the future, and the message it came with, until it is due. */
export class FutureBudget {
  /** Bytes by peer, by the second in which they are due. */
  readonly #due = new Map<number, Map<string, number>>()
  readonly #byPeer = new Map<string, number>()
  #bytes = 0

  /** @returns what of a message may go on: all of it, or what is due already */
  admit(
    peer: string,
    graph: GunGraph,
    nowMs: number,
  ): { readonly graph: GunGraph; readonly refused: number } {
    const newestMs = Math.max(...Object.values(graph).flatMap((node) => Object.values(node._['>'])))
    if (newestMs <= nowMs || this.#take(peer, bytesOf(graph), newestMs, nowMs)) return { graph, refused: 0 }
    const due: Record<string, GunNode> = {}
    let refused = 0
    for (const [soul, node] of Object.entries(graph)) {
      const states = Object.entries(node._['>']).filter(([, state]) => state <= nowMs)
      const values = valuesOf(node)
      refused += Object.keys(values).length - states.length
      if (states.length === 0) continue
      const kept = states.map(([key]) => [key, values[key]] as const)
      due[soul] = makeNode(soul, Object.fromEntries(kept) as typeof values, Object.fromEntries(states))
    }
    return { graph: due, refused }
  }

  #take(peer: string, bytes: number, dueMs: number, nowMs: number): boolean {
    this.#release(nowMs)
    const ofPeer = this.#byPeer.get(peer) ?? 0
    if (this.#bytes + bytes > MAX_BYTES || ofPeer + bytes > MAX_BYTES_PER_PEER) return false
    const second = Math.ceil(dueMs / 1000)
    const due = this.#due.get(second) ?? new Map<string, number>()
    due.set(peer, (due.get(peer) ?? 0) + bytes)
    this.#due.set(second, due)
    this.#byPeer.set(peer, ofPeer + bytes)
    this.#bytes += bytes
    return true
  }

  #release(nowMs: number): void {
    for (const [second, due] of this.#due) {
      if (second * 1000 > nowMs) continue
      this.#due.delete(second)
      for (const [peer, bytes] of due) {
        this.#bytes -= bytes
        const left = (this.#byPeer.get(peer) ?? 0) - bytes
        if (left > 0) this.#byPeer.set(peer, left)
        else this.#byPeer.delete(peer)
      }
    }
  }
}

/** About what it takes in memory. */
function bytesOf(graph: GunGraph): number {
  let bytes = 0
  for (const node of Object.values(graph)) {
    for (const value of Object.values(valuesOf(node)))
      bytes += BYTES_PER_VALUE + (typeof value === 'string' ? value.length : 0)
  }
  return bytes
}
