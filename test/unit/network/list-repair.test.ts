import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase, type Db } from '../../../app/library/index.ts'
import { makeNode, valuesOf } from '../../../app/network/graph.ts'
import type { GunGraph, GunNode } from '../../../app/network/graph.ts'
import type { GunClient, PageArgs } from '../../../app/network/gun-client.ts'
import { ListRepair } from '../../../app/network/list-repair.ts'
import { pageSize } from '../../../app/network/list-page.ts'
import { Publications } from '../../../app/network/publications.ts'
import { signNode, type SeaSigner } from '../../../app/network/sea.ts'
import { souls } from '../../../app/network/souls.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { makeManifest, makeSharedManifest } from '../../support/network-items.ts'
import { seaTestPair } from '../../support/network-node.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const RELAY = 'ws://relay.example/gun'
const OTHER = 'ws://other.example/gun'
const HOUR = 3_600_000
const START = 1_800_000_000_000
const pair = seaTestPair()
const SPACE = souls.spaceIndex(pair.pub)
const idOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex')

let dir: TempDir
let db: Db
let publications: Publications
let nowMs: number
/** Own items, whether or not a list may name them. */
let ids: string[]
let signer: SeaSigner | undefined
let relays: Map<string, FakeRelay>
const clock = { nowMs: () => nowMs }
const shown = makeManifest(testSigner(1), 'shown')

/** A relay's lists: what it is given it acknowledges, and keeps as far as it likes. */
class FakeRelay {
  readonly lists = new Map<string, Map<string, GunNode>>()
  /** What was written to it, in order. */
  readonly written: { soul: string; id: string; state: number }[] = []
  questions = 0
  isSilent = false
  keeps: (id: string) => boolean = () => true
  shows: (id: string) => boolean = () => true

  put(graph: GunGraph): void {
    for (const [soul, node] of Object.entries(graph))
      for (const [id, state] of Object.entries(node._['>'])) {
        this.written.push({ soul, id, state })
        if (this.keeps(id)) this.hold(soul, id, makeNode(soul, { [id]: valuesOf(node)[id] ?? '' }, state))
      }
  }

  hold(soul: string, id: string, node: GunNode): void {
    const list = this.lists.get(soul) ?? new Map<string, GunNode>()
    this.lists.set(soul, list.set(id, node))
  }

  page({ soul, before = 'g', share = 1 }: PageArgs): { node?: GunNode } | undefined {
    this.questions += 1
    if (this.isSilent) return undefined
    const most = Math.ceil((pageSize(soul) * share) / (soul === souls.index ? 9 : 272))
    const list = this.lists.get(soul) ?? new Map<string, GunNode>()
    const below = [...list.keys()].filter((id) => id < before && this.shows(id)).toSorted()
    const page = below.slice(-most).flatMap((id) => list.get(id) ?? [])
    if (page.length === 0) return {}
    const states = Object.assign({}, ...page.map((node) => node._['>'])) as Record<string, number>
    const values = Object.assign({}, ...page.map(valuesOf)) as ReturnType<typeof valuesOf>
    return { node: makeNode(soul, values, states) }
  }

  /** The ids that were written to a list, lowest first. */
  writtenTo(soul: string): string[] {
    return this.written
      .filter((entry) => entry.soul === soul)
      .map(({ id }) => id)
      .toSorted()
  }
}

beforeEach(async () => {
  dir = await tempDir()
  db = openDatabase(dir.file('sower.db'), { log: silentLog, clock })
  publications = new Publications(db, clock)
  nowMs = START
  ids = []
  signer = pair
  relays = new Map([[RELAY, new FakeRelay()]])
})
afterEach(async () => {
  db.close()
  await dir[Symbol.asyncDispose]()
})

function relayAt(url = RELAY): FakeRelay {
  return relays.get(url) ?? new FakeRelay()
}

function repair(): ListRepair {
  const client: Pick<GunClient, 'page' | 'put' | 'isRunning' | 'status'> = {
    isRunning: true,
    status: () => ({
      state: 'running',
      restarts: 0,
      memoryBytes: 0,
      nodesInMemory: 0,
      isKeeping: true,
      peers: 0,
      relays: [...relays.keys()].map((url) => ({ url, state: 'open', sinceMs: 0 })),
      dropped: {},
    }),
    page: (args) => Promise.resolve(relays.get(args.from)?.page(args)),
    put: (graph, _signal, to = '') => {
      const relay = relays.get(to)
      if (relay?.isSilent !== false) return Promise.resolve({ isStored: false, relays: [] })
      relay.put(graph)
      return Promise.resolve({ isStored: false, relays: [to] })
    },
  }
  return new ListRepair({
    client,
    db,
    publications,
    items: {
      manifest: (mediaId) => Promise.resolve({ ...shown, id: mediaId }),
      listed: (below, limit) =>
        ids
          .filter((id) => id < below)
          .toSorted()
          .toReversed()
          .slice(0, limit),
    },
    signer: () => signer,
    clock,
    log: silentLog,
    isPaced: false,
  })
}

/** Items that a relay has said it has, and those of them that its lists name. */
async function told(count: number, isKept: (id: string) => boolean, url = RELAY): Promise<string[]> {
  const added = Array.from({ length: count }, (_, n) => idOf(ids.length + n))
  if (url === RELAY) ids.push(...added)
  const those = url === RELAY ? added : ids
  await Promise.all(
    those.map((mediaId) =>
      publications.record({ mediaId, kind: 'manifest', version: 1 }, { relays: [url], stateMs: nowMs }),
    ),
  )
  for (const mediaId of those.filter(isKept)) hold(mediaId, relayAt(url))
  return added
}

function hold(mediaId: string, relay: FakeRelay): void {
  relay.hold(souls.index, mediaId, makeNode(souls.index, { [mediaId]: { '#': souls.hint(mediaId) } }, nowMs))
  const links = { [mediaId]: { '#': souls.spaceItem(pair.pub, mediaId) } }
  relay.hold(SPACE, mediaId, signNode(SPACE, links, nowMs, pair))
}

/** Lets time pass, with a look every so often. */
async function pass(repairing: ListRepair, forMs: number, everyMs = 15_000): Promise<void> {
  for (const untilMs = nowMs + forMs; nowMs < untilMs;) {
    nowMs += everyMs
    await repairing.run()
  }
}

const isLost = (id: string): boolean => /^.[0-3]/.test(id)

test('writes again what both lists of a relay have lost, once, and nothing that is there', async () => {
  const all = await told(300, (id) => !isLost(id))
  const repairing = repair()
  repairing.told([RELAY])
  await pass(repairing, 10 * 60_000)
  const lost = all.filter(isLost).toSorted()
  expect(lost.length).toBeGreaterThan(50)
  for (const soul of [SPACE, souls.index]) {
    expect(relayAt().writtenTo(soul)).toEqual(lost)
    expect([...(relayAt().lists.get(soul)?.keys() ?? [])].toSorted()).toEqual(all.toSorted())
  }
  // Later than what it said it has, so that it takes it.
  expect(relayAt().written.every(({ state }) => state > START)).toBe(true)
})

test('what is lost again is written again, and after that it is looked at more and more seldom', async () => {
  const all = await told(60, (id) => !isLost(id))
  const lost = all.filter(isLost)
  let losses = 5
  relayAt().keeps = () => (losses -= 1) < 0
  const repairing = repair()
  await pass(repairing, 10 * 60_000)
  expect(relayAt().written).toHaveLength(2 * lost.length + 5)
  const { questions } = relayAt()
  await pass(repairing, 0.5 * HOUR, HOUR / 4)
  expect(relayAt().questions).toBe(questions)
  await pass(repairing, HOUR, HOUR / 4)
  const once = relayAt().questions - questions
  expect(once).toBeGreaterThan(0)
  await pass(repairing, 10 * 24 * HOUR, 2 * HOUR)
  // After two hours more, four, eight, sixteen, and then once a day.
  expect(relayAt().questions - questions).toBeLessThanOrEqual((1 + 4 + 9) * once)
  expect(relayAt().written).toHaveLength(2 * lost.length + 5)
})

test('a relay that keeps nothing is given up, and asked more and more seldom', async () => {
  await told(1_200, () => false)
  relayAt().keeps = () => false
  const repairing = repair()
  await pass(repairing, HOUR)
  const { length } = relayAt().written
  expect(length).toBeGreaterThan(0)
  expect(length).toBeLessThanOrEqual(2 * 500)
  // Once more after a day, two, four, eight, and then every sixteen.
  await pass(repairing, 15.5 * 24 * HOUR, 2 * HOUR)
  expect(relayAt().written.length).toBeLessThanOrEqual(5 * length)
})

test('a relay that hides others each time gets no more than it hides in few looks, and fewer each day', async () => {
  await told(200, () => true)
  // Everybody’s list alone: no signatures to check.
  signer = undefined
  let looks = 0
  relayAt().shows = (id) => Number.parseInt(id.slice(0, 8), 16) % 10 !== Math.floor(looks / 12) % 10
  const page = relayAt().page.bind(relayAt())
  relayAt().page = (args) => {
    looks += 1
    return page(args)
  }
  const repairing = repair()
  await pass(repairing, 24 * HOUR, 600_000)
  const { length } = relayAt().written
  // Six passes, five rounds.
  expect(length).toBeLessThanOrEqual(6 * 5 * 30)
  await pass(repairing, 48 * HOUR, 600_000)
  expect(relayAt().written.length - length).toBeLessThanOrEqual(6 * 3 * 30)
})

test('what a relay lacks for a moment is not written again', async () => {
  await told(50, () => true)
  let isFirst = true
  relayAt().shows = (id) => !isFirst || !isLost(id)
  const page = relayAt().page.bind(relayAt())
  relayAt().page = (args) => {
    const answer = page(args)
    isFirst = !isFirst
    return answer
  }
  await pass(repair(), 60_000)
  expect(relayAt().written).toEqual([])
})

test('nothing comes back that was withdrawn, made private, never told to that relay, or is told anew anyway', async () => {
  const [withdrawn = '', hidden = '', expired = '', listed = ''] = await told(4, () => false)
  db.prepare('INSERT INTO revocations (media_id, body, at_ms) VALUES (?, ?, ?)').run(withdrawn, '{}', 1)
  db.prepare('INSERT INTO network_retractions (media_id, version, body) VALUES (?, 1, ?)').run(hidden, '{}')
  publications.expire(expired)
  ids.push(idOf(100))
  await pass(repair(), 5 * 60_000)
  expect(new Set(relayAt().written.map(({ id }) => id))).toEqual(new Set([listed]))
})

test('what is shared with some, whatever the library says, is not listed', async () => {
  const [mediaId = ''] = await told(1, () => false)
  const shared = await makeSharedManifest(testSigner(1), 'shared')
  const repairing = repair()
  Object.assign(shown, { accessControl: shared.accessControl, encryption: shared.encryption })
  try {
    await pass(repairing, 60_000)
  } finally {
    Object.assign(shown, makeManifest(testSigner(1), 'shown'), { encryption: undefined })
  }
  expect([mediaId, relayAt().written]).toEqual([mediaId, []])
})

test('goes on where it was after a restart', async () => {
  await told(520, () => true)
  const first = repair()
  const asked: (string | undefined)[] = []
  const page = relayAt().page.bind(relayAt())
  relayAt().page = (args) => {
    if (args.soul === SPACE) asked.push(args.before)
    // It goes away after two pages.
    if (asked.length === 3) relayAt().isSilent = true
    return page(args)
  }
  nowMs += 15_000
  await first.run()
  await first.stop()
  expect(asked).toHaveLength(3)
  relayAt().isSilent = false
  await repair().run()
  expect(asked[3]).toBe(asked[2])
  expect(asked.slice(0, 3)).not.toContain(asked[4])
})

test('a silent relay is asked less and less often, and keeps no other waiting', async () => {
  relays.set(OTHER, new FakeRelay())
  await told(50, () => true)
  await told(0, (id) => !isLost(id), OTHER)
  relayAt().isSilent = true
  const repairing = repair()
  await pass(repairing, HOUR)
  expect(relayAt().questions).toBeLessThan(10)
  expect(relayAt(OTHER).writtenTo(SPACE)).toEqual(ids.filter(isLost).toSorted())
  expect(relayAt().written).toEqual([])
})

test('waits until a burst has come to rest, and is soon there for the next', async () => {
  await told(100, (id) => !isLost(id))
  const repairing = repair()
  for (let second = 0; second < 60; second += 2) {
    repairing.told([RELAY])
    nowMs += 2_000
    await repairing.run()
  }
  expect(relayAt().questions).toBe(0)
  await pass(repairing, 5 * 60_000)
  const first = relayAt().written.length
  expect(first).toBeGreaterThan(0)
  const more = await told(100, (id) => !isLost(id))
  repairing.told([RELAY])
  await pass(repairing, 5 * 60_000)
  expect(relayAt().written.length - first).toBe(2 * more.filter(isLost).length)
})

test('without the wallet only everybody’s list is looked after', async () => {
  const all = await told(20, (id) => !isLost(id))
  signer = undefined
  const repairing = repair()
  await pass(repairing, 5 * 60_000)
  expect(relayAt().writtenTo(SPACE)).toEqual([])
  expect(relayAt().writtenTo(souls.index)).toEqual(all.filter(isLost).toSorted())
  signer = pair
  await pass(repairing, 5 * 60_000)
  expect(relayAt().writtenTo(SPACE)).toEqual(all.filter(isLost).toSorted())
})

test('entries of others between ours, and what is none, make nothing seem there or hide it', async () => {
  const all = await told(40, (id) => !isLost(id))
  for (let n = 0; n < 2_000; n += 1) {
    const id = idOf(1_000_000 + n)
    relayAt().hold(souls.index, id, makeNode(souls.index, { [id]: { '#': souls.hint(id) } }, nowMs))
  }
  const [broken = ''] = all.filter(isLost)
  relayAt().hold(souls.index, broken, makeNode(souls.index, { [broken]: 'no link' }, nowMs))
  await pass(repair(), 5 * 60_000)
  expect(relayAt().writtenTo(souls.index)).toEqual(all.filter(isLost).toSorted())
})
