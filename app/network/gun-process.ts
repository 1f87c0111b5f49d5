/**
 * Entry of GUN's own process (or, where there is no Node to start one with, its own thread): everything strangers say is read
 * here and nowhere else, under a memory cap. It holds no key and no secret, and losing it loses nothing but freshness.
 */
import { parentPort } from 'node:worker_threads'
import { GunDisk } from './gun-disk.ts'
import { GunGraphNode } from './gun-node.ts'
import { ToGun } from './gun-protocol.ts'
import type { FromGun } from './gun-protocol.ts'
import type { GunGraph } from './graph.ts'
import { RelayLink } from './relay-link.ts'
import { REPORT_EVERY_MS } from './watchdog.ts'

const TIDY_EVERY_MS = 30_000
/** The engine hears of at most so many foreign nodes a second; it asks for the rest when it looks again. */
const HEARD_PER_TICK = 25
const TICK_MS = 100
/** Items whose seekers or opponents are told at once. */
const MAX_NAMED = 500

function post(message: FromGun): void {
  if (parentPort !== null) parentPort.postMessage(message)
  else if (process.connected) process.send?.(message)
}

class GunProcess {
  readonly #disk: GunDisk
  readonly #graph: GunGraphNode
  readonly #relays = new Map<string, RelayLink>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #heard: { graph: GunGraph; from: string }[] = []
  readonly #asked = new Set<string>()
  readonly #contested = new Map<string, number>()
  #unheard = 0
  #reserveBytes: number

  constructor({ dir, maxStoreBytes: maxBytes, reserveBytes }: Extract<ToGun, { type: 'start' }>) {
    this.#reserveBytes = reserveBytes
    const disk = new GunDisk({
      dir,
      maxBytes,
      reserveBytes: () => this.#reserveBytes,
      onState: (state) => post({ type: 'disk', ...state }),
    })
    this.#disk = disk
    this.#graph = new GunGraphNode({
      disk,
      nowMs: () => Date.now(),
      onHeard: (graph, from) => {
        if (this.#heard.length < HEARD_PER_TICK * 4) this.#heard.push({ graph, from })
        else this.#unheard += 1
      },
      onAsked: (mediaId) => void (this.#asked.size < MAX_NAMED && this.#asked.add(mediaId)),
      onContested: (mediaId, stateMs) => {
        const latest = this.#contested.get(mediaId) ?? -Infinity
        if (this.#contested.size < MAX_NAMED) this.#contested.set(mediaId, Math.max(latest, stateMs))
      },
    })
    this.#timers.push(
      setInterval(() => this.#tell(), TICK_MS),
      setInterval(() => this.#report(), REPORT_EVERY_MS),
      setInterval(() => this.#tidy(), TIDY_EVERY_MS),
    )
  }

  handle(message: ToGun): void {
    switch (message.type) {
      case 'put':
        this.#answer(
          message.id,
          (message.to === undefined
            ? this.#graph.put(message.graph, message.timeoutMs)
            : this.#graph.putTo(message.to, message.graph, message.timeoutMs)
          ).then((result) => ({ type: 'put-done', id: message.id, ...result })),
        )
        break
      case 'get':
        this.#answer(
          message.id,
          this.#graph.get(message).then((result) => ({ type: 'got', id: message.id, ...result })),
        )
        break
      case 'page':
        this.#answer(
          message.id,
          this.#graph
            .page(message)
            .then((answers) => ({ type: 'got', id: message.id, answers, isComplete: true })),
        )
        break
      case 'settings':
        this.#reserveBytes = message.reserveBytes
        this.setRelays(message.relays)
        break
      case 'watch':
        this.#graph.watch(message.isFeedWanted, message.publishers)
        break
      case 'peer-open': {
        const { peer } = message
        this.#graph.attach(peer, false, (text) => post({ type: 'peer-send', peer, text }))
        break
      }
      case 'peer-frames': {
        const { peer, frames } = message
        let bytes = 0
        let waitMs = 0
        for (const frame of frames) {
          bytes += frame.length
          waitMs = this.#graph.hear(peer, frame)
        }
        post({ type: 'credit', peer, bytes, waitMs })
        break
      }
      case 'peer-close':
        this.#graph.detach(message.peer)
        break
      case 'forget':
        this.#graph.forgetVersions(message.mediaIds)
        break
      case 'own':
        this.#graph.wroteBefore(message.graph)
        break
      case 'start':
        break
      case 'stop':
        this.#stop()
        break
    }
  }

  setRelays(urls: readonly string[]): void {
    for (const [url, link] of this.#relays) {
      if (urls.includes(url)) continue
      link.stop()
      this.#graph.detach(url)
      this.#relays.delete(url)
    }
    for (const url of urls) {
      if (this.#relays.has(url)) continue
      const link = new RelayLink({
        url,
        nowMs: () => Date.now(),
        onOpen: (say) => this.#graph.attach(url, true, say),
        onClose: () => this.#graph.detach(url),
        onFrame: (text) => this.#graph.hear(url, text),
        onStatus: (relay) => post({ type: 'relay', relay }),
        onTime: (atMs) => post({ type: 'time', relay: url, atMs }),
      })
      this.#relays.set(url, link)
      link.start()
    }
  }

  /** A question that fails is answered too: the engine waits for it. */
  #answer(id: number, answer: Promise<FromGun>): void {
    answer.then(post, () => post({ type: 'failed', id }))
  }

  #tidy(): void {
    this.#graph.memory.tidy()
    this.#disk.tidy()
  }

  #tell(): void {
    for (const { graph, from } of this.#heard.splice(0, HEARD_PER_TICK)) post({ type: 'heard', graph, from })
    if (this.#asked.size > 0) post({ type: 'asked', mediaIds: [...this.#asked] })
    if (this.#contested.size > 0) {
      const items = [...this.#contested].map(([mediaId, stateMs]) => ({ mediaId, stateMs }))
      post({ type: 'contested', items })
    }
    this.#asked.clear()
    this.#contested.clear()
  }

  #report(): void {
    const memory = process.memoryUsage()
    post({
      type: 'status',
      relays: [...this.#relays.values()].map(({ status }) => status),
      dropped: {
        ...this.#graph.counters,
        ...(this.#unheard === 0 ? {} : { unheard: this.#unheard }),
        ...(this.#disk.refused === 0 ? {} : { 'no-room': this.#disk.refused }),
      },
      // A thread shares its process's pages: only its heap is its own.
      memoryBytes: parentPort === null ? memory.rss : memory.heapUsed,
      nodesInMemory: this.#graph.memory.count,
      peers: this.#graph.peerCount,
    })
  }

  #stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const link of this.#relays.values()) link.stop()
    this.#disk.close()
    process.exit(0)
  }
}

let running: GunProcess | undefined
function receive(raw: unknown): void {
  const message = ToGun.parse(raw)
  if (message.type === 'start') {
    running = new GunProcess(message)
    running.setRelays(message.relays)
    post({ type: 'ready' })
  } else running?.handle(message)
}

if (parentPort !== null) parentPort.on('message', receive)
else {
  process.on('message', receive)
  // The engine is gone: so is the reason to run.
  process.on('disconnect', () => process.exit(0))
  // A terminal sends these to the whole group; the engine says when to stop.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
}
post({ type: 'booted' })
