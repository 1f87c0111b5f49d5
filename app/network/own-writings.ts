import { createHash } from 'node:crypto'
import { valuesOf } from './graph.ts'
import type { GunGraph, GunNode } from './graph.ts'
import { isList, parseSoul } from './souls.ts'

/** What was written to a node, in the order of its sorted keys: not the values themselves, of which there are too many. */
interface Own {
  /** Of the latest value. */
  readonly state: number
  readonly keys: readonly string[]
  readonly sums: Float64Array
}

/** Souls that are remembered, latest first. */
const MAX_OWN = 60_000
/** Own nodes have few sets of keys: each is kept once. */
const MAX_SHAPES = 1_000

/** What this node wrote itself, so that what others write over it is noticed, and what is older is not taken. */
export class OwnWritings {
  readonly #own = new Map<string, Own>()
  readonly #shapes = new Map<string, readonly string[]>()

  note(graph: GunGraph): void {
    for (const [soul, node] of Object.entries(graph)) {
      const parsed = parseSoul(soul)
      if (parsed !== undefined && isList(parsed)) continue
      // Only of hints it matters what is in them: in other places nobody else can write, or nobody would.
      const isHint = parsed?.kind === 'hint'
      const keys = isHint ? this.#shapeOf(node) : []
      this.#own.delete(soul)
      this.#own.set(soul, {
        state: newestOf(node),
        keys,
        sums: Float64Array.from(keys, (key) => sumOf(node[key])),
      })
    }
    if (this.#own.size <= MAX_OWN) return
    for (const soul of [...this.#own.keys()].slice(0, MAX_OWN / 10)) this.#own.delete(soul)
  }

  has(soul: string): boolean {
    return this.#own.has(soul)
  }

  /** Whether everything in it is older than what was written there. */
  isStale(soul: string, node: GunNode): boolean {
    const own = this.#own.get(soul)
    return own !== undefined && newestOf(node) < own.state
  }

  /**
   * Compares every key that was written, as each can be written over by itself.
   * @returns when the latest of those was set that hold something else; undefined when there is none
   */
  latestOther(soul: string, node: GunNode): number | undefined {
    const own = this.#own.get(soul)
    if (own === undefined) return undefined
    let latest: number | undefined
    for (const [index, key] of own.keys.entries()) {
      const state = node._['>'][key] ?? -Infinity
      if (node[key] === undefined || state < own.state || state <= (latest ?? -Infinity)) continue
      if (sumOf(node[key]) !== own.sums[index]) latest = state
    }
    return latest
  }

  #shapeOf(node: GunNode): readonly string[] {
    const keys = Object.keys(valuesOf(node)).toSorted()
    const name = keys.join(' ')
    const known = this.#shapes.get(name)
    if (known !== undefined) return known
    if (this.#shapes.size >= MAX_SHAPES) this.#shapes.clear()
    this.#shapes.set(name, keys)
    return keys
  }
}

function newestOf(node: GunNode): number {
  return Math.max(...Object.values(node._['>']))
}

/** 48 bits: nobody finds another value of the same sum in a time that is worth it. */
function sumOf(value: unknown): number {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest()
    .readUIntBE(0, 6)
}
