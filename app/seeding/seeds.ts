import type { Log } from '../ports/log.ts'
import { readSmall } from '../regular-file.ts'
import { MAX_METAINFO_BYTES, parseMetainfo, type Metainfo } from './metainfo.ts'
import type { ServedFiles } from './served-files.ts'
import { reqHash, Session, type SessionHost } from './session.ts'
import type { SeedArgs } from './types.ts'
import type { Content } from './uploads.ts'

/** What is kept of a seed nobody is asking for. */
export interface SeedRow extends SeedArgs {
  uploadedBytes: number
}

const SWEEP_MS = 10_000
const SLEEP_AFTER_MS = 30_000
/** Torrents awake at the same time; more have to wait until one sleeps. */
const MAX_AWAKE = 500

/** All seeds of the node. Each is a row until a peer comes for it; then a session, until the last peer has gone. */
export class Seeds {
  readonly #files: ServedFiles
  readonly #manifest: (mediaId: string) => Promise<Uint8Array | null>
  readonly #log: Log
  readonly #rows = new Map<string, SeedRow>()
  readonly #byReqHash = new Map<string, string>()
  readonly #awake = new Map<string, Session>()
  readonly #waking = new Map<string, Promise<Session | null>>()
  #sweep: NodeJS.Timeout | undefined

  /** @param manifest the newest signed manifest of an item, canonical JSON; read when another Sower node asks */
  constructor(files: ServedFiles, manifest: (mediaId: string) => Promise<Uint8Array | null>, log: Log) {
    this.#files = files
    this.#manifest = manifest
    this.#log = log
  }

  get size(): number {
    return this.#rows.size
  }

  get awakeCount(): number {
    return this.#awake.size
  }

  /** @returns false when it was there already */
  add(args: SeedArgs): boolean {
    if (this.#rows.has(args.infoHash)) return false
    this.#rows.set(args.infoHash, { ...args, uploadedBytes: 0 })
    this.#byReqHash.set(reqHash(args.infoHash), args.infoHash)
    return true
  }

  row(infoHash: string): SeedRow | undefined {
    return this.#rows.get(infoHash)
  }

  rows(): Iterable<SeedRow> {
    return this.#rows.values()
  }

  infoHashOf(infoHashHash: string): string | undefined {
    return this.#byReqHash.get(infoHashHash)
  }

  session(infoHash: string): Session | undefined {
    return this.#awake.get(infoHash)
  }

  sessions(): Iterable<Session> {
    return this.#awake.values()
  }

  async remove(infoHash: string): Promise<SeedRow | undefined> {
    const row = this.#rows.get(infoHash)
    if (row === undefined) return undefined
    this.#rows.delete(infoHash)
    this.#byReqHash.delete(reqHash(infoHash))
    await this.#waking.get(infoHash)
    this.#sleep(infoHash)
    await this.#files.close(row.mediaId)
    return row
  }

  /** The session of a seed, made if nobody talked to it so far; `null` if it can't be served. */
  wake(infoHash: string, host: SessionHost): Promise<Session | null> {
    const awake = this.#awake.get(infoHash)
    if (awake !== undefined) return Promise.resolve(awake)
    const row = this.#rows.get(infoHash)
    if (row === undefined || this.#awake.size >= MAX_AWAKE) return Promise.resolve(null)
    const known = this.#waking.get(infoHash)
    if (known !== undefined) return known
    const waking = this.#wake(row, host).finally(() => this.#waking.delete(infoHash))
    this.#waking.set(infoHash, waking)
    return waking
  }

  /** Closes every connection; the rows stay. */
  async sleepAll(): Promise<void> {
    await Promise.all(this.#waking.values())
    for (const infoHash of this.#awake.keys()) this.#sleep(infoHash)
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  async #wake(row: SeedRow, host: SessionHost): Promise<Session | null> {
    try {
      // The library says whether the file is the one that was added before anybody is let in.
      const [bytes] = await Promise.all([
        readSmall(row.metainfoPath, MAX_METAINFO_BYTES),
        this.#files.reader(row.mediaId, pieceGuess(row)),
      ])
      const metainfo = parseMetainfo(bytes ?? new Uint8Array())
      if (metainfo.infoHash !== row.infoHash || metainfo.sizeBytes !== row.sizeBytes)
        throw new Error('another torrent')
      if (!this.#rows.has(row.infoHash)) return null
      const session = new Session(host, row.infoHash, metainfo, this.#content(row, metainfo), row.reach)
      session.offerManifest = () => this.#manifest(row.mediaId)
      this.#awake.set(row.infoHash, session)
      this.#sweep ??= setInterval(() => this.#putToSleep(), SWEEP_MS).unref()
      this.#log.debug('seed.woken', { infoHash: row.infoHash })
      return session
    } catch (error) {
      this.#log.warn('seed.unservable', {
        infoHash: row.infoHash,
        reason: error instanceof Error ? error.message : '',
      })
      return null
    }
  }

  #content(row: SeedRow, metainfo: Metainfo): Content {
    return {
      has: (index) => index < metainfo.pieceCount,
      bits: () => 'all',
      read: (index, offset, length) => {
        const position = index * metainfo.pieceLength + offset
        const reader = this.#files.reader(row.mediaId, metainfo.pieceLength)
        if (!(reader instanceof Promise)) return reader.read(position, length)
        return reader.then((opened) => opened.read(position, length))
      },
    }
  }

  #putToSleep(): void {
    const nowMs = performance.now()
    for (const [infoHash, session] of this.#awake) {
      session.dropIdle()
      if (session.peerCount === 0 && nowMs - session.activeAtMs > SLEEP_AFTER_MS) this.#sleep(infoHash)
    }
    if (this.#awake.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  #sleep(infoHash: string): void {
    this.#awake.get(infoHash)?.close()
    this.#awake.delete(infoHash)
  }
}

/** Read-ahead before the metainfo is read; only the first open file's windows depend on it. */
function pieceGuess(row: SeedRow): number {
  return row.sizeBytes > 64 * 1024 * 1024 ? 1024 * 1024 : 64 * 1024
}
