import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFully, writeFully } from '../file-bytes.ts'
import { chunkPlaces, type ChunkPlace, type Manifest } from '../manifest/index.ts'
import type { ByteRange } from '../seeding/index.ts'
import { Intervals } from './intervals.ts'
import type { ArrivingBytes } from './arriving-bytes.ts'
import type { FetchNetwork } from './ports.ts'
import type { GrowingHead } from './swarm-download.ts'
import type { Log } from '../ports/log.ts'

interface BootstrapInit {
  readonly network: Required<Pick<FetchNetwork, 'chunk'>>
  readonly manifest: Manifest
  /** Where they go; a file of their own. */
  readonly path: string
  readonly onChunk: (bytesDone: number) => void
}

const AT_ONCE = 4
/** They are put into the network when somebody asks for the item: what is not there yet may come. */
const ASK_AGAIN_MS = 1500
const MAX_ROUNDS = 8

/** The first bytes of an item from the network itself, so that playing can begin before anybody has been found. Each chunk is checked against the signed manifest. */
export class Bootstrap implements GrowingHead {
  readonly path: string
  readonly #init: BootstrapInit
  readonly #places: readonly ChunkPlace[]
  readonly #written = new Intervals()
  readonly #listeners = new Set<() => void>()

  constructor(init: BootstrapInit) {
    this.#init = init
    this.path = init.path
    this.#places = chunkPlaces(init.manifest)
  }

  /** Whether the network may carry anything of it. */
  get isOfUse(): boolean {
    return this.#places.length > 0
  }

  /** It is all there is. */
  get isWhole(): boolean {
    return this.#init.manifest.size > 0 && this.#written.covers(0, this.#init.manifest.size)
  }

  /** Calls whenever there is more. @returns ends it */
  onGrown(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  has({ start, endExclusive }: ByteRange): boolean {
    return this.#written.covers(start, endExclusive)
  }

  /** Fills `target`; false when it is not there any more. */
  async read(target: Uint8Array, position: number): Promise<boolean> {
    const file = await open(this.path, 'r').catch(() => null)
    if (file === null) return false
    try {
      return (await readFully(file, target, position)) === target.byteLength
    } finally {
      await file.close()
    }
  }

  /** Asks for every chunk, a few at a time and in order, until all are here or nobody has had any for a while. */
  async run(signal: AbortSignal): Promise<void> {
    const { network, manifest } = this.#init
    const file = await open(this.path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const ended = new Promise<null>((resolve) =>
      signal.addEventListener('abort', () => resolve(null), { once: true }),
    )
    try {
      for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round += 1) {
        const before = this.#written.total
        const missing = this.#places.filter(({ start, endExclusive }) => !this.has({ start, endExclusive }))
        const take = async (): Promise<void> => {
          for (let place = missing.shift(); place !== undefined; place = missing.shift()) {
            if (signal.aborted) return
            const bytes = await Promise.race([network.chunk(manifest.id, place), ended])
            if (bytes === null || signal.aborted) continue
            await writeFully(file, [bytes], place.start)
            this.#written.add(place.start, place.endExclusive)
            this.#init.onChunk(this.#written.total)
            for (const listener of this.#listeners) listener()
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, take))
        if (this.#places.every(({ start, endExclusive }) => this.has({ start, endExclusive }))) return
        if (this.#written.total > before) round = 0
        await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
      }
    } finally {
      await file.close()
    }
  }
}

interface HeadStart<T> {
  readonly network: FetchNetwork | undefined
  readonly manifest: Manifest
  readonly path: string
  readonly arriving: ArrivingBytes
  readonly signal: AbortSignal
  /** By every other road; what is in `head` need not come by them. */
  readonly download: (signal: AbortSignal, head?: GrowingHead) => Promise<T>
  /** What it comes to when the network has all of it. */
  readonly whole: T
  readonly onBytes: (bytes: number) => void
  readonly log: Log
}

/** The network has brought all of it. */
class Enough extends Error {}

/** For the beginning of an item, when there is no other road at the moment. */
const HEAD_MS = 20_000

/** Downloads while the network is asked for the beginning; when that is all there is, no other road is needed any more. */
export async function withHeadStart<T>(start: HeadStart<T>): Promise<T> {
  const { network, manifest, path, arriving, signal, download, whole, onBytes, log } = start
  const chunk = network?.chunk?.bind(network)
  if (chunk === undefined) return download(signal)
  const enough = new AbortController()
  const head = new Bootstrap({
    network: { chunk },
    manifest,
    path,
    onChunk: (bytesDone) => {
      onBytes(bytesDone)
      arriving.wake()
      if (head.isWhole) enough.abort(new Enough())
    },
  })
  if (!head.isOfUse) return download(signal)
  arriving.begin(head)
  const until = AbortSignal.any([signal, enough.signal])
  const running = head.run(until).catch((error: unknown) => {
    // The other roads do without.
    log.debug('get.head-failed', { mediaId: manifest.id, error: String(error) })
  })
  try {
    const arrival = await download(until, head)
    if (arrival !== null) return arrival
    await Promise.race([running, sleep(HEAD_MS, undefined, { ref: false })])
    return head.isWhole ? whole : arrival
  } catch (error) {
    signal.throwIfAborted()
    if (head.isWhole) return whole
    throw error
  } finally {
    enough.abort(new Enough())
    await running
  }
}
