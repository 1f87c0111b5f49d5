import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { WebSocketServer, type WebSocket } from 'ws'
import { openDatabase } from '../../app/library/index.ts'
import type { Manifest } from '../../app/manifest/index.ts'
import { GunStore } from '../../app/network/gun-store.ts'
import { ManifestStore } from '../../app/network/manifest-store.ts'
import { systemClock } from '../../app/ports/clock.ts'
import { silentLog } from '../../app/ports/log.ts'
import { makeManifest } from '../support/network-items.ts'
import { NetworkNode, seaTestPair } from '../support/network-node.ts'
import { testSigner } from '../unit/manifest/owner.ts'
import { peakMiB } from './network-rival.ts'
import { MIB, seconds, type Benchmark, type Row } from './report.ts'

const RELAY_DELAY_MS = 100
/** One record an item every five minutes is what a client without a node's own record would write. */
const PLAIN_INTERVAL_SEC = 300
const IN_FLIGHT_LIMIT = 200

/**
 * A node with many items of its own and many manifests of others in its store: how fast it starts, what memory it takes, and what
 * it writes when its relay has everything, and when the relay has nothing. The relay only counts and acknowledges, a tenth of a
 * second later. There is no rival to time: gun has neither a store of manifests nor a schedule; its rate is the arithmetic of one
 * record an item and interval.
 */
export const benchmark: Benchmark = {
  name: 'network-scale',
  async run({ isQuick, dir }) {
    const own = isQuick ? 500 : 10_000
    const foreign = isQuick ? 2_000 : 100_000
    const watchMs = isQuick ? 4_000 : 12_000
    const empty = await measure(join(dir, 'empty'), { own: 0, foreign: 0, isTold: true, watchMs: 0 })
    const steady = await measure(join(dir, 'steady'), { own, foreign, isTold: true, watchMs })
    const behind = await measure(join(dir, 'behind'), { own, foreign: 0, isTold: false, watchMs })
    const plainRate = own / PLAIN_INTERVAL_SEC
    const rows: Row[] = [
      {
        what: `network of a node with ${own} items of its own and ${foreign} known manifests: start`,
        ours: `${steady.startSec.toFixed(2)} s`,
        rival: `${empty.startSec.toFixed(2)} s with nothing in it`,
        ratio: steady.startSec / empty.startSec,
        target: { atMost: 2 },
      },
      {
        what: 'the same: peak memory of its process, MiB',
        ours: `${steady.engineMiB.toFixed(0)} MiB`,
        rival: `${empty.engineMiB.toFixed(0)} MiB with nothing in it`,
        ratio: steady.engineMiB / empty.engineMiB,
        note: `GUN's process ${steady.gunMiB.toFixed(0)} MiB`,
      },
      {
        what: 'the same: records written a second, when the relay has everything',
        ours: `${steady.putsPerSec.toFixed(1)}/s`,
        rival: `${plainRate.toFixed(1)}/s one record an item every five minutes`,
        ratio: steady.putsPerSec,
        target: { atMost: 5 },
      },
      {
        what: `${own} items a relay does not have yet: most writes in flight`,
        ours: `${behind.mostInFlight}`,
        rival: '',
        ratio: behind.mostInFlight,
        target: { atMost: IN_FLIGHT_LIMIT },
        note: `${behind.putsPerSec.toFixed(0)}/s, GUN's process ${behind.gunMiB.toFixed(0)} MiB`,
      },
    ]
    return rows
  },
}

interface Setup {
  readonly own: number
  readonly foreign: number
  /** Whether the relay has the own items already. */
  readonly isTold: boolean
  readonly watchMs: number
}

async function measure(dir: string, { own, foreign, isTold, watchMs }: Setup) {
  mkdirSync(dir, { recursive: true })
  await using relay = await startCounter()
  const items = copiesOf(makeManifest(testSigner(1), 'own'), own)
  prepare(
    join(dir, 'node'),
    copiesOf(makeManifest(testSigner(2), 'foreign'), foreign),
    isTold ? items : [],
    relay.url,
  )
  let node: NetworkNode | undefined
  const startSec = await seconds(async () => {
    node = await NetworkNode.start({
      dir: join(dir, 'node'),
      relays: [relay.url],
      pair: seaTestPair(),
      isFeedWanted: false,
    })
  })
  await using started = node as unknown as NetworkNode
  await started.add(...items)
  await started.call('changed')
  // What is said once, at the start, is over by then.
  if (isTold) await sleep(watchMs / 4)
  const before = relay.puts()
  const watchedSec = await seconds(() => sleep(watchMs))
  const { gun } = await started.status()
  return {
    startSec,
    putsPerSec: (relay.puts() - before) / watchedSec,
    mostInFlight: relay.mostInFlight(),
    engineMiB: peakMiB(started.pid) ?? 0,
    gunMiB: peakMiB(gun.pid) ?? 0,
  }
}

/** Copies of a manifest for other ids. Their signatures do not hold; they are checked before the store, not by it. */
function copiesOf(manifest: Manifest, count: number): Manifest[] {
  return Array.from({ length: count }, (_, n) => {
    const id = createHash('sha256').update(`${manifest.name} ${n}`).digest('hex')
    return { ...manifest, id, did: `did:gun:media:${id}` }
  })
}

function prepare(dir: string, known: readonly Manifest[], told: readonly Manifest[], relay: string): void {
  mkdirSync(join(dir, 'gun'), { recursive: true })
  // GUN's own disk, as a node has it that has run before: into a new one all is told again.
  new GunStore(join(dir, 'gun', 'graph.db'), 256 * MIB).close()
  const db = openDatabase(join(dir, 'sower.db'), { log: silentLog, clock: systemClock })
  const store = new ManifestStore(db)
  const nowMs = systemClock.nowMs()
  db.write(() => {
    for (const manifest of known) store.keep(manifest, { nowMs })
    for (const { id, version } of told) {
      for (const target of ['', relay]) {
        db.prepare(
          `INSERT INTO network_publications (media_id, kind, relay, version, state_ms, at_ms) VALUES (?, 'manifest', ?, ?, ?, ?)`,
        ).run(id, target, version, nowMs, nowMs)
      }
    }
  })
  db.close()
}

/** Takes every write and says so, later; keeps nothing. */
async function startCounter() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let puts = 0
  let inFlight = 0
  let mostInFlight = 0
  const take = (socket: WebSocket, raw: unknown): void => {
    const message = (typeof raw === 'string' ? JSON.parse(raw) : raw) as { '#'?: string; put?: object }
    if (message.put === undefined) return
    puts += 1
    inFlight += 1
    mostInFlight = Math.max(mostInFlight, inFlight)
    setTimeout(() => {
      inFlight -= 1
      socket.send(JSON.stringify({ '#': `ack${message['#']}`, '@': message['#'], ok: { '': 1 } }))
    }, RELAY_DELAY_MS)
  }
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      // Text frames come as one Buffer.
      const parsed = JSON.parse((data as Buffer).toString('utf8')) as unknown
      for (const message of Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]) take(socket, message)
    })
  })
  await once(server, 'listening')
  return {
    // A TCP server's address is never a string.
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/gun`,
    puts: () => puts,
    mostInFlight: () => mostInFlight,
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
