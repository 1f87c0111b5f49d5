import type { Db } from '../library/index.ts'
import type { Clock } from '../ports/clock.ts'

/** What is said of an item: what it is, that it is withdrawn, that what was said is taken back. */
export type PublicationKind = 'manifest' | 'revocation' | 'retraction'

/** Nothing is dated further ahead: GUN acknowledges nothing before its time has come. */
export const AHEAD_MS = 5_000

/** That somebody said they have what we said of an item. */
interface Publication {
  readonly mediaId: string
  readonly kind: PublicationKind
  /** The address of a relay; `''` is our own GUN. */
  readonly relay: string
  /** Half a version less where the publisher's own space was left out. */
  readonly version: number
  readonly atMs: number
}

/** Which relay said that it has what of ours, kept in the database. */
export class Publications {
  readonly #db: Db
  readonly #clock: Clock

  constructor(db: Db, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  all(): Publication[] {
    const sql = 'SELECT media_id AS mediaId, kind, relay, version, at_ms AS atMs FROM network_publications'
    return this.#db.prepare(sql).all() as Publication[]
  }

  /** Notes it for several at once, together with others that come at the same time. */
  record(
    { mediaId, kind, version }: Pick<Publication, 'mediaId' | 'kind' | 'version'>,
    { relays, stateMs }: { readonly relays: readonly string[]; readonly stateMs: number },
  ): Promise<void> {
    const sql =
      'INSERT OR REPLACE INTO network_publications (media_id, kind, relay, version, state_ms, at_ms) VALUES (?, ?, ?, ?, ?, ?)'
    return this.#db.writeTogether(() => {
      for (const relay of relays)
        this.#db.prepare(sql).run(mediaId, kind, relay, version, stateMs, this.#clock.nowMs())
    })
  }

  /** Whether anybody was told of this version's manifest, or of a later one's. */
  isTold(mediaId: string, version: number): boolean {
    const sql = `SELECT 1 FROM network_publications WHERE media_id = ? AND kind = 'manifest' AND version >= ? LIMIT 1`
    return this.#db.prepare(sql).get(mediaId, version - 0.5) !== undefined
  }

  /** How what was said last of exactly this version is dated; undefined when nobody was told of it, or it is to be said again. */
  toldAt(mediaId: string, version: number): number | undefined {
    const sql = `SELECT max(state_ms) AS last FROM network_publications
      WHERE media_id = ? AND kind = 'manifest' AND version BETWEEN ? AND ? AND at_ms > 0`
    const row = this.#db.prepare(sql).get(mediaId, version - 0.5, version) as { last: number | null }
    return row.last ?? undefined
  }

  /**
   * Whether this relay is to list an item: it said that it has it, before a time, and neither was it withdrawn nor taken back since.
   * @param of.isInSpace it is about the publisher's own list, not about everybody's
   */
  isListedBy(
    relay: string,
    mediaId: string,
    of: { readonly untilMs: number; readonly isInSpace: boolean },
  ): boolean {
    const sql = `SELECT 1 FROM network_publications AS told
      WHERE media_id = ? AND kind = 'manifest' AND relay = ? AND at_ms BETWEEN 1 AND ?
        AND (? OR version = floor(version))
        AND NOT EXISTS (SELECT 1 FROM revocations WHERE media_id = told.media_id)
        AND NOT EXISTS (SELECT 1 FROM network_retractions AS back WHERE back.media_id = told.media_id AND back.version >= told.version)`
    return this.#db.prepare(sql).get(mediaId, relay, of.untilMs, of.isInSpace ? 0 : 1) !== undefined
  }

  /** The latest date of what was written of an item; 0 for none. */
  lastState(mediaId: string): number {
    const sql = 'SELECT max(state_ms) AS last FROM network_publications WHERE media_id = ?'
    return (this.#db.prepare(sql).get(mediaId) as { last: number | null }).last ?? 0
  }

  /** Everything said of an item is to be said again. */
  expire(mediaId: string): void {
    const sql = 'UPDATE network_publications SET at_ms = 0 WHERE media_id = ?'
    this.#db.write(() => this.#db.prepare(sql).run(mediaId))
  }

  /** Our own GUN holds nothing of what it had. */
  forgetOwn(): void {
    this.#db.write(() => this.#db.prepare(`DELETE FROM network_publications WHERE relay = ''`).run())
  }
}
