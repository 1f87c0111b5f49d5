import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import type { Clock } from '../ports/clock.ts'
import { Listeners } from './listeners.ts'
import { isSeaKey } from './souls.ts'

export interface Publisher {
  /** SEA public key. */
  readonly pub: string
  /** Owner key, when they were followed by their card. */
  readonly owner?: string
  readonly name?: string
  readonly followedAtMs: number
  /** When their list was last read from a relay. */
  readonly checkedAtMs?: number
}

/** What is worth keeping of one. */
export type KeptPublisher = Omit<Publisher, 'checkedAtMs'>

/** Publishers one follows, in the database. */
export class Followed {
  readonly #db: Db
  readonly #clock: Clock
  readonly #onChange = new Listeners<[removed?: string]>()

  constructor(db: Db, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** @throws {AppError} `BAD_REQUEST` when it is no publisher's key */
  add({ pub, owner, name }: Pick<Publisher, 'pub' | 'owner' | 'name'>): Publisher {
    if (!isSeaKey(pub)) {
      throw new AppError('BAD_REQUEST', 'This is not the key of a publisher.', {
        hint: 'Use their card, or a link to something they published.',
      })
    }
    const followedAtMs = this.#clock.nowMs()
    this.#db.write(() =>
      this.#db
        .prepare(
          `INSERT INTO network_publishers (pub, owner, name, followed_at_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (pub) DO UPDATE SET owner = coalesce(excluded.owner, owner), name = coalesce(excluded.name, name)`,
        )
        .run(pub, owner ?? null, name ?? null, followedAtMs),
    )
    this.#onChange.tell()
    return this.list().find((publisher) => publisher.pub === pub) ?? { pub, followedAtMs }
  }

  remove(pub: string): void {
    this.#db.write(() => this.#db.prepare('DELETE FROM network_publishers WHERE pub = ?').run(pub))
    this.#onChange.tell(pub)
  }

  /** In the order they were followed. */
  list(): Publisher[] {
    const rows = this.#db
      .prepare('SELECT * FROM network_publishers ORDER BY followed_at_ms')
      .all() as PublisherRow[]
    return rows.map(toPublisher)
  }

  /** Their list was read. */
  checked(pub: string): void {
    const sql = 'UPDATE network_publishers SET checked_at_ms = ? WHERE pub = ?'
    this.#db.write(() => this.#db.prepare(sql).run(this.#clock.nowMs(), pub))
  }

  /** By key: what is worth keeping. */
  kept(): KeptPublisher[] {
    return this.list()
      .map(({ pub, owner, name, followedAtMs }) => ({
        pub,
        ...(owner === undefined ? {} : { owner }),
        ...(name === undefined ? {} : { name }),
        followedAtMs,
      }))
      .toSorted((a, b) => (a.pub < b.pub ? -1 : 1))
  }

  /** Follows those again who were kept and are missing here. @returns how many those were */
  bringBack(kept: readonly KeptPublisher[]): number {
    const sql =
      'INSERT OR IGNORE INTO network_publishers (pub, owner, name, followed_at_ms) VALUES (?, ?, ?, ?)'
    const cameBack = this.#db.write(() => {
      const insert = this.#db.prepare(sql)
      let count = 0
      for (const { pub, owner, name, followedAtMs } of kept)
        if (isSeaKey(pub)) count += insert.run(pub, owner ?? null, name ?? null, followedAtMs).changes
      return count
    })
    if (cameBack > 0) this.#onChange.tell()
    return cameBack
  }

  /** Told when somebody came or went. @returns stops listening */
  onChange(listener: (removed?: string) => void): () => void {
    return this.#onChange.add(listener)
  }
}

interface PublisherRow {
  pub: string
  owner: string | null
  name: string | null
  followed_at_ms: number
  checked_at_ms: number | null
}

function toPublisher(row: PublisherRow): Publisher {
  return {
    pub: row.pub,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.name === null ? {} : { name: row.name }),
    followedAtMs: row.followed_at_ms,
    ...(row.checked_at_ms === null ? {} : { checkedAtMs: row.checked_at_ms }),
  }
}
