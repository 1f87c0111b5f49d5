import type { Db } from '../library/index.ts'
import { canonicalJson, type OwnerSigner } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import { signRevocation, type Revocation } from '../sharing/index.ts'

export interface RetractionsOptions {
  readonly db: Db
  /** Own items that are private now, among them all that were told of. */
  readonly hidden: () => Iterable<string>
  /** undefined while the wallet is locked: it is signed when it opens. */
  readonly owner: () => OwnerSigner | undefined
  /** Told of each one that was signed. */
  readonly onSigned: (revocation: Revocation) => void
  readonly clock: Clock
}

/**
 * What was public and is private now: its owner's word that the versions that were told count no longer. It is signed when the
 * network is told next, for whatever is private by then, so that no way of making something private is forgotten. A later version,
 * public again, is not meant by it.
 */
export class Retractions {
  readonly #options: RetractionsOptions

  constructor(options: RetractionsOptions) {
    this.#options = options
  }

  /**
   * Signs what is to be signed. Safe to repeat.
   * @param mediaIds own items that are private. @defaultValue all of them
   * @returns whether there was anything
   */
  sign(mediaIds: Iterable<string> = this.#options.hidden()): boolean {
    const { db, owner, onSigned, clock } = this.#options
    const signer = owner()
    if (signer === undefined) return false
    let isAny = false
    const told = db.prepare(
      `SELECT max(version) AS version FROM network_publications WHERE media_id = ? AND kind = 'manifest'`,
    )
    const before = db.prepare('SELECT version FROM network_retractions WHERE media_id = ?')
    for (const mediaId of mediaIds) {
      const { version: last } = told.get(mediaId) as { version: number | null }
      // Half a version is one that was told without the publisher's own space.
      const version = Math.ceil(last ?? 0)
      const signed = before.get(mediaId) as { version: number } | undefined
      if (version <= (signed?.version ?? 0)) continue
      const revocation = signRevocation({ mediaId, version, atMs: clock.nowMs() }, signer)
      db.write(() =>
        db
          .prepare('INSERT OR REPLACE INTO network_retractions (media_id, version, body) VALUES (?, ?, ?)')
          .run(mediaId, version, canonicalJson(revocation)),
      )
      onSigned(revocation)
      isAny = true
    }
    return isAny
  }

  /** Every one there is, with the last version it is about. */
  all(): { readonly mediaId: string; readonly version: number }[] {
    const rows = this.#options.db.prepare('SELECT media_id AS mediaId, version FROM network_retractions')
    return rows.all() as { mediaId: string; version: number }[]
  }

  get(mediaId: string): Revocation | undefined {
    const row = this.#options.db
      .prepare('SELECT body FROM network_retractions WHERE media_id = ?')
      .get(mediaId) as { body: string } | undefined
    return row === undefined ? undefined : (JSON.parse(row.body) as Revocation) // as it was when it was signed
  }
}
