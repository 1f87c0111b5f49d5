import type { Db } from '../library/index.ts'
import type { KeyEnvelope } from '../manifest/index.ts'

/** A key that came with a link, boxed for this node's owner. */
export interface KeptKey {
  readonly mediaId: string
  /** For the owner alone. */
  readonly envelope: KeyEnvelope
  /** When the link asked to be forgotten, milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined
  readonly addedAtMs: number
}

interface KeptKeyRow {
  media_id: string
  box: string
  expires_at_ms: number | null
  added_at_ms: number
}

/** The table of kept keys. Nothing in it can be read without the owner's wallet. */
export class KeptKeyStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  get(mediaId: string): KeptKey | undefined {
    const row = this.#db.prepare('SELECT * FROM kept_keys WHERE media_id = ?').get(mediaId) as
      KeptKeyRow | undefined
    if (row === undefined) return undefined
    return {
      mediaId: row.media_id,
      // Only put() writes here; whoever opens it trusts nothing about it.
      envelope: JSON.parse(row.box) as KeyEnvelope,
      expiresAtMs: row.expires_at_ms ?? undefined,
      addedAtMs: row.added_at_ms,
    }
  }

  /** Replaces what was kept for the same item. On the disk when this returns. */
  put({ mediaId, envelope, expiresAtMs, addedAtMs }: KeptKey): void {
    const sql = `INSERT INTO kept_keys (media_id, box, expires_at_ms, added_at_ms) VALUES (?, ?, ?, ?)
      ON CONFLICT (media_id) DO UPDATE SET box = excluded.box, expires_at_ms = excluded.expires_at_ms`
    this.#db.write(() =>
      this.#db.prepare(sql).run(mediaId, JSON.stringify(envelope), expiresAtMs ?? null, addedAtMs),
    )
  }

  remove(mediaId: string): void {
    this.#db.write(() => this.#db.prepare('DELETE FROM kept_keys WHERE media_id = ?').run(mediaId))
  }
}
