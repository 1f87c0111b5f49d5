import type { GunGraph, GunMeta, GunNode, GunValue } from './graph.ts'
import { isLink } from './graph.ts'
import { pageSize, readPageQuestion } from './list-page.ts'
import { frozenKey, openSigned } from './sea.ts'
import { isList, parseSoul } from './souls.ts'
import type { Soul } from './souls.ts'

/** Why something a stranger sent never reached GUN. */
export type DropReason =
  | 'not-json'
  | 'shape'
  | 'too-many'
  | 'soul'
  | 'keys'
  | 'key'
  | 'value'
  | 'value-size'
  | 'null'
  | 'state'
  | 'future'
  | 'signature'
  | 'get'
  | 'command'
  | 'not-asked'

export const FILTER_LIMITS = {
  messagesPerFrame: 512,
  nodesPerMessage: 64,
  keysPerNode: 64,
  /** Of a list that we asked for ourselves: those that hold nothing of ours are counted too. */
  keysPerAskedList: 4500,
  keyBytes: 128,
  valueBytes: 16 * 1024,
  chunkBytes: 88 * 1024,
  futureMs: 60_000,
} as const

/** What we asked for with a message of that id, so that its answer may be larger. */
export interface Asked {
  readonly soul: string
}

export interface FilterContext {
  readonly nowMs: number
  /** @returns what our own message with this id asked for, while its answer is still awaited */
  readonly asked: (id: string) => Asked | undefined
}

/** A message as GUN is to see it: only these fields, each checked. */
export interface CleanMessage {
  '#': string
  '@'?: string
  '##'?: number | string
  '><'?: string
  put?: GunGraph
  get?: {
    '#': string | { '*': string }
    '.'?: string | Readonly<Record<string, string | number>>
    '%'?: number
  }
  ok?: unknown
  err?: string
  dam?: '?'
  pid?: string
  '%'?: number | string
}

export interface Filtered {
  readonly messages: readonly CleanMessage[]
  readonly dropped: ReadonlyMap<DropReason, number>
}

const MESSAGE_ID = /^[\w.:+/=-]{1,64}$/
const KEY = /^[\w:.+/=-]{1,128}$/
const LIST_KEY = /^[0-9a-f]{64}$/
const PEER_PREFIX = /^media:[0-9a-f]{64}:peers:$/

/** Reads one frame from a socket. Pure; never throws. What does not hold is left out, piece by piece, and counted. */
export function filterFrame(text: string, context: FilterContext): Filtered {
  const dropped = new Map<DropReason, number>()
  const drop = (reason: DropReason): undefined => {
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1)
    return undefined
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    drop('not-json')
    return { messages: [], dropped }
  }
  const batch = Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]
  const messages: CleanMessage[] = []
  for (const raw of batch.slice(0, FILTER_LIMITS.messagesPerFrame)) {
    // GUN puts messages into a batch as JSON or as JSON in a string.
    const value = typeof raw === 'string' ? parseInner(raw) : raw
    const message = filterMessage(value, context, drop)
    if (message !== undefined) messages.push(message)
  }
  for (let left = batch.length - FILTER_LIMITS.messagesPerFrame; left > 0; left -= 1) drop('too-many')
  return { messages, dropped }
}

type Drop = (reason: DropReason) => undefined

function parseInner(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function filterMessage(raw: unknown, context: FilterContext, drop: Drop): CleanMessage | undefined {
  if (!isRecord(raw)) return drop('shape')
  const id = raw['#']
  if (raw['dam'] !== undefined) return filterCommand(raw, drop)
  if (typeof id !== 'string' || !MESSAGE_ID.test(id)) return drop('shape')
  const message: CleanMessage = { '#': id }
  const ack = raw['@']
  if (ack !== undefined) {
    if (typeof ack !== 'string' || !MESSAGE_ID.test(ack)) return drop('shape')
    message['@'] = ack
  }
  const hash = raw['##']
  if (typeof hash === 'number' || (typeof hash === 'string' && hash.length <= 64)) message['##'] = hash
  const seen = raw['><']
  if (typeof seen === 'string' && seen.length <= 1024) message['><'] = seen
  const more = raw['%']
  if (typeof more === 'number' || (typeof more === 'string' && more.length <= 64)) message['%'] = more
  const { err } = raw
  if (err !== undefined && err !== null && ack !== undefined)
    message.err = typeof err === 'string' ? err.slice(0, 200) : 'error'
  else if (raw['ok'] !== undefined && ack !== undefined) message.ok = 1

  if (raw['put'] !== undefined && raw['put'] !== null) {
    const graph = filterGraph(
      raw['put'],
      ack === undefined ? undefined : context.asked(ack as string),
      context,
      drop,
    )
    if (graph === undefined) return undefined
    message.put = graph
  } else if (raw['get'] !== undefined) {
    const get = filterGet(raw['get'], drop)
    if (get === undefined) return undefined
    message.get = get
  } else if (ack === undefined) {
    return drop('shape')
  }
  return message
}

/** Of GUN's commands only the greeting is of use; one that names other peers is never followed. */
function filterCommand(raw: Readonly<Record<string, unknown>>, drop: Drop): CleanMessage | undefined {
  const { dam, pid, '#': id, '@': ack } = raw
  if (dam !== '?') return drop('command')
  const message: CleanMessage = { '#': typeof id === 'string' && MESSAGE_ID.test(id) ? id : 'hi', dam: '?' }
  if (typeof ack === 'string' && MESSAGE_ID.test(ack)) message['@'] = ack
  if (typeof pid === 'string' && MESSAGE_ID.test(pid)) message.pid = pid
  return message
}

function filterGet(raw: unknown, drop: Drop): CleanMessage['get'] | undefined {
  if (!isRecord(raw)) return drop('get')
  const name = raw['#']
  if (isRecord(name)) {
    const page = readPageQuestion(name)
    if (page !== undefined) {
      const { soul, before } = page
      return { '#': soul, '.': { '*': '', '<': before, '-': 1 }, '%': pageSize(soul) }
    }
    const prefix = name['*']
    return typeof prefix === 'string' && PEER_PREFIX.test(prefix)
      ? { '#': { '*': prefix }, '%': pageSize('') }
      : drop('get')
  }
  if (typeof name !== 'string') return drop('get')
  const soul = parseSoul(name)
  if (soul === undefined) return drop('soul')
  const key = raw['.']
  if (typeof key === 'string' && key !== '') return KEY.test(key) ? { '#': name, '.': key } : drop('get')
  // Frozen versions are given to those who know their hash: a list of them would name what is listed nowhere.
  if (soul.kind === 'versions') return drop('get')
  const range = isRecord(key) ? filterRange(key) : undefined
  // A whole list could be of any length: whoever asks for it gets its first page.
  if (isList(soul)) return { '#': name, '.': range ?? { '*': '' }, '%': pageSize(name) }
  return range === undefined ? { '#': name } : { '#': name, '.': range, '%': pageSize(name) }
}

function filterRange(raw: Readonly<Record<string, unknown>>): Record<string, string | number> | undefined {
  const range: Record<string, string | number> = {}
  for (const part of ['*', '>', '<', '=']) {
    const value = raw[part]
    if (typeof value === 'string' && (value === '' || KEY.test(value))) range[part] = value
  }
  if (raw['-'] !== undefined) range['-'] = 1
  return Object.keys(range).length === 0 ? undefined : range
}

function filterGraph(
  raw: unknown,
  asked: Asked | undefined,
  context: FilterContext,
  drop: Drop,
): GunGraph | undefined {
  if (!isRecord(raw)) return drop('shape')
  const entries = Object.entries(raw)
  if (entries.length > FILTER_LIMITS.nodesPerMessage) return drop('too-many')
  const graph: Record<string, GunNode> = {}
  for (const [soul, node] of entries) {
    const clean = filterNode(soul, node, asked, context, drop)
    if (clean !== undefined) graph[soul] = clean
  }
  return Object.keys(graph).length === 0 ? undefined : graph
}

function filterNode(
  name: string,
  raw: unknown,
  asked: Asked | undefined,
  { nowMs }: FilterContext,
  drop: Drop,
): GunNode | undefined {
  const soul = parseSoul(name)
  if (soul === undefined) return drop('soul')
  if (!isRecord(raw) || !isRecord(raw['_'])) return drop('shape')
  const states = raw['_']['>']
  if (raw['_']['#'] !== name || !isRecord(states)) return drop('shape')
  const isAsked = asked?.soul === name
  if (soul.kind === 'chunk' && !isAsked) return drop('not-asked')
  const keys = Object.keys(raw)
  const isPage = isAsked && isList(soul)
  const maxKeys = isPage ? FILTER_LIMITS.keysPerAskedList : FILTER_LIMITS.keysPerNode
  if (keys.length - 1 > maxKeys) return drop('keys')
  const values: Record<string, GunValue> = {}
  const kept: Record<string, number> = {}
  for (const key of keys) {
    if (key === '_') continue
    const state = states[key]
    const fault = faultOf(soul, name, key, raw[key], state, nowMs)
    if (fault !== undefined) {
      drop(fault)
      // How far a page of a list goes is told by what it can't hold, too.
      if (isPage && KEY.test(key) && typeof state === 'number') kept[key] = state
      continue
    }
    // faultOf has looked at both.
    values[key] = raw[key] as GunValue
    kept[key] = state as number
  }
  if (Object.keys(kept).length === 0) return undefined
  const meta: GunMeta = { '#': name, '>': kept }
  return { ...values, _: meta } as GunNode // the index signature can't exclude `_`
}

function faultOf(
  soul: Soul,
  name: string,
  key: string,
  value: unknown,
  state: unknown,
  nowMs: number,
): DropReason | undefined {
  if (!KEY.test(key) || key === '__proto__') return 'key'
  if (value === null || value === undefined) return 'null'
  if (typeof state !== 'number' || !Number.isFinite(state) || state <= 0) return 'state'
  if (state > nowMs + FILTER_LIMITS.futureMs) return 'future'
  const sizeFault = valueFault(soul, value)
  if (sizeFault !== undefined) return sizeFault
  // valueFault lets only these through.
  return placeFault(soul, name, key, value as GunValue, state)
}

function valueFault(soul: Soul, value: unknown): DropReason | undefined {
  switch (typeof value) {
    case 'string': {
      const most = soul.kind === 'chunk' ? FILTER_LIMITS.chunkBytes : FILTER_LIMITS.valueBytes
      // A character is at most three bytes of UTF-8 for each of its code units: most need not be counted.
      const isLarge = value.length > most || (value.length * 3 > most && Buffer.byteLength(value) > most)
      return isLarge ? 'value-size' : undefined
    }
    case 'number':
      return Number.isFinite(value) ? undefined : 'value'
    case 'boolean':
      return undefined
    default:
      return isLink(value) && parseSoul(value['#']) !== undefined ? undefined : 'value'
  }
}

/** Whether this key may hold this value in this place; signatures last, they cost most. */
function placeFault(
  soul: Soul,
  name: string,
  key: string,
  value: GunValue,
  state: number,
): DropReason | undefined {
  switch (soul.kind) {
    case 'index': {
      const target = isLink(value) ? parseSoul(value['#']) : undefined
      return LIST_KEY.test(key) && target?.kind === 'hint' && target.mediaId === key ? undefined : 'value'
    }
    case 'peers': {
      const target = isLink(value) ? parseSoul(value['#']) : undefined
      const isRight = target?.kind === 'presence' && target.mediaId === soul.mediaId && target.nodeId === key
      return isRight ? undefined : 'value'
    }
    case 'versions':
      return typeof value === 'string' && frozenKey(value) === key ? undefined : 'signature'
    case 'space':
    case 'spaceIndex':
    case 'spaceItem': {
      const opened = openSigned(soul.pub, name, key, value, state)
      if (opened === undefined) return 'signature'
      if (soul.kind === 'spaceItem') return isLink(opened) ? 'value' : undefined
      const wanted = soul.kind === 'space' ? `~${soul.pub}/media` : `~${soul.pub}/media/${key}`
      return isLink(opened) && opened['#'] === wanted ? undefined : 'value'
    }
    default:
      return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
