import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import type { Db, KeptFolder } from '../library/index.ts'
import type { SeaPair } from './envelope/sea.ts'
import { openEnvelope } from './envelope/sea-envelope.ts'
import { openOwn, sealForSelf, selfName } from './self-seal.ts'

/** A key that came with a link, or from the Lit network. */
export interface KeptKey {
  readonly mediaId: string
  /** 32 bytes; whoever asked for it wipes it. */
  readonly fileKey: Buffer
  /** When the link asked to be forgotten, milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined
}

interface KeptKeysOptions {
  readonly folder: KeptFolder
  /** Where older versions kept them, boxed. */
  readonly db: Db
  /** The wallet's pair; throws the wallet's own error while it is locked. */
  readonly pair: () => SeaPair
}

interface Row {
  media_id: string
  box: string
  expires_at_ms: number | null
}

const Content = z.object({
  mediaId: z.string(),
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  expiresAtMs: z.int().nonnegative().optional(),
})

/**
 * Keys in the media folder, each sealed for the wallet it was given to: they come back with folder and wallet, whatever
 * becomes of the database.
 */
export class KeptKeys {
  readonly #options: KeptKeysOptions
  /** When the keys end that do, as far as they have been looked at: mediaId → milliseconds since the epoch. */
  readonly #ends = new Map<string, number>()

  constructor(options: KeptKeysOptions) {
    this.#options = options
  }

  /** @throws {AppError} the wallet's own error while it is locked; `MEDIA_OFFLINE` */
  async get(mediaId: string): Promise<KeptKey | undefined> {
    return this.#read(mediaId) ?? this.#move(mediaId)
  }

  /**
   * Keeps it in place of what was kept for the same item; when that is the same key, the later of their ends counts. On the disk
   * when this returns.
   * @throws {AppError} as `get`; `MEDIA_READ_ONLY`, `DISK_FULL`
   */
  put({ mediaId, fileKey, expiresAtMs }: KeptKey): void {
    const { folder, pair } = this.#options
    const before = this.#read(mediaId)
    const isSame = before?.fileKey.equals(fileKey) === true
    before?.fileKey.fill(0)
    const endMs = isSame ? laterEnd(before.expiresAtMs, expiresAtMs) : expiresAtMs
    const key = fileKey.toString('base64url')
    const content = { mediaId, key, ...(endMs === undefined ? {} : { expiresAtMs: endMs }) }
    folder.write(selfName(pair()), mediaId, sealForSelf(pair(), 'sower-kept-key', content))
    this.#note(mediaId, endMs)
    this.#dropRow(mediaId)
  }

  /** @throws {AppError} as `put` */
  remove(mediaId: string): void {
    this.#options.folder.remove(selfName(this.#options.pair()), mediaId)
    this.#ends.delete(mediaId)
    this.#dropRow(mediaId)
  }

  /** Items whose keys have ended since this was asked last. @param nowMs milliseconds since the epoch */
  takeEnded(nowMs: number): string[] {
    const ended = [...this.#ends].filter(([, endMs]) => endMs <= nowMs).map(([mediaId]) => mediaId)
    for (const mediaId of ended) this.#ends.delete(mediaId)
    return ended
  }

  /** Reads when the keys of this wallet end, so that `takeEnded` knows of them. @throws {AppError} as `get` */
  async lookThrough(): Promise<void> {
    const { folder, pair } = this.#options
    this.#ends.clear()
    for (const mediaId of folder.mediaIds(selfName(pair()))) {
      this.#read(mediaId)?.fileKey.fill(0)
      await setImmediate()
    }
  }

  /** Brings into the media folder what older versions kept in the database, as far as the wallet opens it. */
  async moveAll(): Promise<void> {
    const rows = this.#options.db.prepare('SELECT media_id FROM kept_keys').all() as Pick<Row, 'media_id'>[]
    for (const row of rows) (await this.#move(row.media_id))?.fileKey.fill(0)
  }

  #read(mediaId: string): KeptKey | undefined {
    const pair = this.#options.pair()
    const text = this.#options.folder.read(selfName(pair), mediaId)
    const kept = Content.safeParse(text === undefined ? undefined : openOwn(pair, 'sower-kept-key', text))
    if (!kept.success || kept.data.mediaId !== mediaId) return undefined
    const { key, expiresAtMs } = kept.data
    this.#note(mediaId, expiresAtMs)
    return { mediaId, fileKey: Buffer.from(key, 'base64url'), expiresAtMs }
  }

  #note(mediaId: string, endMs: number | undefined): void {
    if (endMs === undefined) this.#ends.delete(mediaId)
    else this.#ends.set(mediaId, endMs)
  }

  async #move(mediaId: string): Promise<KeptKey | undefined> {
    const row = this.#options.db.prepare('SELECT * FROM kept_keys WHERE media_id = ?').get(mediaId) as
      Row | undefined
    if (row === undefined) return undefined
    try {
      const subject = { mediaId, version: Number.MAX_SAFE_INTEGER }
      const fileKey = await openEnvelope(JSON.parse(row.box), this.#options.pair(), subject)
      const kept = { mediaId, fileKey, expiresAtMs: row.expires_at_ms ?? undefined }
      try {
        this.put(kept)
      } catch (error) {
        // It stays where it is until the media folder can be written to.
        if (!(error instanceof AppError)) throw error
      }
      return kept
    } catch (error) {
      // Boxed for another wallet, which may come back.
      if (error instanceof AppError) return undefined
      throw error
    }
  }

  #dropRow(mediaId: string): void {
    const { db } = this.#options
    const row = db.prepare('SELECT 1 FROM kept_keys WHERE media_id = ?').get(mediaId)
    if (row !== undefined) db.write(() => db.prepare('DELETE FROM kept_keys WHERE media_id = ?').run(mediaId))
  }
}

/** The later of two ends; `undefined`: there is none. */
export function laterEnd(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b)
}
