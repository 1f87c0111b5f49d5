import type { Db } from '../library/index.ts'
import type { Heartbeat, ItemPresence } from './presence-record.ts'

/** Nodes kept for an item: enough to fetch from, and nobody can make it more. */
export const PEERS_PER_ITEM = 50
const MAX_NODES = 20_000
const MAX_RECORDS = 200_000

/** What nodes said of themselves, verified, the newest of each. */
export class PresenceStore {
  readonly #db: Db
  #writesUntilPrune = 0

  constructor(db: Db) {
    this.#db = db
  }

  /** @returns whether it was newer than what was known */
  keepItem(record: ItemPresence, nowMs: number): boolean {
    const lastSeenMs = record.lastSeen * 1000
    const expiresMs = lastSeenMs + record.ttl * 1000
    return this.#db.write(() => {
      const { changes } = this.#db
        .prepare(
          `INSERT INTO presence (media_id, node_id, body, last_seen_ms, expires_ms) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (media_id, node_id) DO UPDATE SET body = excluded.body, last_seen_ms = excluded.last_seen_ms,
             expires_ms = excluded.expires_ms WHERE excluded.last_seen_ms > presence.last_seen_ms`,
        )
        .run(record.mediaId, record.peerId, JSON.stringify(record), lastSeenMs, expiresMs)
      this.#db
        .prepare(
          `DELETE FROM presence WHERE media_id = ? AND node_id NOT IN
             (SELECT node_id FROM presence WHERE media_id = ? ORDER BY last_seen_ms DESC LIMIT ?)`,
        )
        .run(record.mediaId, record.mediaId, PEERS_PER_ITEM)
      this.#pruneNowAndThen(nowMs)
      return changes > 0
    })
  }

  keepNode(heartbeat: Heartbeat, nowMs: number): boolean {
    const lastSeenMs = heartbeat.lastSeen * 1000
    return this.#db.write(() => {
      const { changes } = this.#db
        .prepare(
          `INSERT INTO network_nodes (node_id, body, last_seen_ms, expires_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (node_id) DO UPDATE SET body = excluded.body, last_seen_ms = excluded.last_seen_ms,
             expires_ms = excluded.expires_ms WHERE excluded.last_seen_ms > network_nodes.last_seen_ms`,
        )
        .run(heartbeat.peerId, JSON.stringify(heartbeat), lastSeenMs, lastSeenMs + heartbeat.ttl * 1000)
      this.#pruneNowAndThen(nowMs)
      return changes > 0
    })
  }

  /** Records of an item that may still hold. */
  ofItem(mediaId: string, nowMs: number): ItemPresence[] {
    const rows = this.#db
      .prepare('SELECT body FROM presence WHERE media_id = ? AND expires_ms > ? ORDER BY last_seen_ms DESC')
      .all(mediaId, nowMs) as { body: string }[]
    // As they were when they were verified.
    return rows.map(({ body }) => JSON.parse(body) as ItemPresence)
  }

  node(nodeId: string): Heartbeat | undefined {
    const row = this.#db.prepare('SELECT body FROM network_nodes WHERE node_id = ?').get(nodeId) as
      { body: string } | undefined
    return row === undefined ? undefined : (JSON.parse(row.body) as Heartbeat)
  }

  #pruneNowAndThen(nowMs: number): void {
    this.#writesUntilPrune -= 1
    if (this.#writesUntilPrune > 0) return
    this.#writesUntilPrune = 1_000
    // An hour more, for clocks that differ.
    const beforeMs = nowMs - 3_600_000
    this.#db.prepare('DELETE FROM presence WHERE expires_ms < ?').run(beforeMs)
    this.#db.prepare('DELETE FROM network_nodes WHERE expires_ms < ?').run(beforeMs)
    this.#db
      .prepare(
        `DELETE FROM network_nodes WHERE node_id NOT IN (SELECT node_id FROM network_nodes ORDER BY last_seen_ms DESC LIMIT ?)`,
      )
      .run(MAX_NODES)
    const { rows } = this.#db.prepare('SELECT count(*) AS rows FROM presence').get() as { rows: number }
    if (rows <= MAX_RECORDS) return
    this.#db
      .prepare(
        'DELETE FROM presence WHERE (media_id, node_id) IN (SELECT media_id, node_id FROM presence ORDER BY expires_ms LIMIT ?)',
      )
      .run(rows - MAX_RECORDS)
  }
}
