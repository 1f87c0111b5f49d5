/** GUN's data model, as far as it crosses our processes. */

/** A link to another node. */
export interface GunLink {
  readonly '#': string
}
export type GunValue = string | number | boolean | GunLink
/** Soul, and per key the time (ms since the epoch, with fractions) it was set. */
export interface GunMeta {
  readonly '#': string
  readonly '>': Readonly<Record<string, number>>
}
export type GunNode = { readonly _: GunMeta } & { readonly [key: string]: GunValue | GunMeta }
/** Nodes by soul. */
export type GunGraph = Readonly<Record<string, GunNode>>

/** Whether a value is a link to another node and nothing besides: `{ "#": soul }`. */
export function isLink(value: unknown): value is GunLink {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === 1 &&
    typeof (value as Partial<GunLink>)['#'] === 'string'
  )
}

/** @param state when its keys were set, one time for all or each its own */
export function makeNode(
  soul: string,
  values: Readonly<Record<string, GunValue>>,
  state: number | Readonly<Record<string, number>>,
): GunNode {
  const states =
    typeof state === 'number' ? Object.fromEntries(Object.keys(values).map((key) => [key, state])) : state
  return { ...values, _: { '#': soul, '>': states } } as GunNode // the index signature can't exclude `_`
}

/** Keys and values without GUN's own. */
export function valuesOf(node: GunNode): Record<string, GunValue> {
  const values: Record<string, GunValue> = Object.create(null) as Record<string, GunValue>
  for (const [key, value] of Object.entries(node)) {
    if (key !== '_') values[key] = value as GunValue // only `_` is no value
  }
  return values
}

/**
 * Two writings of one node, key by key: the later one holds, and of two made at the same time the one whose JSON is
 * lexically larger, so that everybody ends with the same.
 * @see GUN's conflict resolution (HAM), `ham` in its src/root.js
 */
export function mergeNodes(a: GunNode | undefined, b: GunNode): GunNode {
  if (a === undefined) return b
  const values: Record<string, GunValue> = valuesOf(a)
  const states: Record<string, number> = { ...a._['>'] }
  for (const [key, value] of Object.entries(valuesOf(b))) {
    const was = states[key] ?? -Infinity
    const is = b._['>'][key] ?? -Infinity
    const before = values[key]
    const wins =
      is > was || (is === was && (before === undefined || JSON.stringify(value) > JSON.stringify(before)))
    if (!wins) continue
    values[key] = value
    states[key] = is
  }
  return { ...values, _: { '#': b._['#'], '>': states } } as GunNode // as in makeNode
}

/** A message of GUN's is one frame, and a peer closes the socket on one of more than 256 KiB: beyond this, another is begun. */
const BUNDLE_CHARS = 100 * 1024

/** Nodes as they are to be written: together, as far as one message may hold them. */
export function bundle(nodes: readonly GunNode[]): GunGraph[] {
  const graphs: Record<string, GunNode>[] = []
  let chars = Infinity
  for (const node of nodes) {
    const size = JSON.stringify(node).length
    if (chars + size > BUNDLE_CHARS) {
      graphs.push({})
      chars = 0
    }
    const graph = graphs.at(-1)
    if (graph !== undefined) graph[node._['#']] = node
    chars += size
  }
  return graphs
}
