import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { readSmall } from '../regular-file.ts'
import { MAX_METAINFO_BYTES, parseMetainfo } from '../seeding/index.ts'
import type { IncomingFolder, Staging } from './ports.ts'

/**
 * The folder of one download while it is under way: `original` is where a torrent's pieces go, `plain` where a file
 * comes in from start to end over HTTP, `media.torrent` the metainfo as it was fetched.
 */
export class Incoming {
  readonly #folder: IncomingFolder
  readonly #jobId: string
  #staging: Staging | undefined

  constructor(folder: IncomingFolder, jobId: string) {
    this.#folder = folder
    this.#jobId = jobId
  }

  /**
   * Makes the folder, or finds it as it was left, and keeps room for this many bytes.
   * @throws {AppError} `DISK_FULL`, `MEDIA_READ_ONLY`, `MEDIA_OFFLINE`
   */
  async open(expectedBytes?: number): Promise<void> {
    this.#staging = await this.#folder.stage(
      this.#jobId,
      expectedBytes === undefined ? {} : { expectedBytes },
    )
  }

  get pieces(): string {
    return this.#opened().bytes
  }

  get plain(): string {
    return path.join(this.#opened().dir, 'plain')
  }

  /** The first bytes from the network. */
  get head(): string {
    return path.join(this.#opened().dir, 'head')
  }

  get hasPieces(): boolean {
    return existsSync(this.pieces)
  }

  /** Removes everything. */
  async discard(): Promise<void> {
    if (this.#staging === undefined) await this.open()
    await this.#staging?.discard()
    this.#staging = undefined
  }

  /** @returns whether there is a file to go on with */
  async takeUpPlain(isBegun: boolean): Promise<boolean> {
    // A crash between checking and storing left the complete file under its final name.
    if (isBegun && !existsSync(this.plain) && this.hasPieces) await fs.rename(this.pieces, this.plain)
    return existsSync(this.plain)
  }

  async writeMetainfo(metainfo: Uint8Array): Promise<void> {
    await fs.writeFile(`${this.#metainfo}.part`, metainfo)
    await fs.rename(`${this.#metainfo}.part`, this.#metainfo)
  }

  /** The metainfo that an earlier run got, when it is this torrent's. */
  async readMetainfo(infoHash: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readSmall(this.#metainfo, MAX_METAINFO_BYTES)
      return bytes !== undefined && parseMetainfo(bytes).infoHash === infoHash ? bytes : undefined
    } catch {
      return undefined // not there, or cut short by a crash: it is asked for again
    }
  }

  /** Leaves nothing but the complete file, as `original`: the folder becomes the item's. */
  async seal(file: string, hasMetainfo: boolean): Promise<Staging> {
    if (file !== this.pieces) await fs.rename(file, this.pieces)
    const rest = [this.plain, this.head, `${this.#metainfo}.part`, ...(hasMetainfo ? [] : [this.#metainfo])]
    for (const leftover of rest) await fs.rm(leftover, { force: true })
    return this.#opened()
  }

  get #metainfo(): string {
    return path.join(this.#opened().dir, 'media.torrent')
  }

  #opened(): Staging {
    if (this.#staging === undefined) throw new Error('the folder of this download is not open')
    return this.#staging
  }
}
