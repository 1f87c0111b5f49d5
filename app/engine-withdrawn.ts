import { AppError } from './contract/index.ts'
import type { RevocationLookup, SignedRevocation } from './http/index.ts'
import type { Db } from './library/index.ts'
import type { Network } from './network/index.ts'
import type { Log } from './ports/log.ts'
import type { Revocations } from './sharing/index.ts'

/**
 * Reads what the `revocations` table holds of an item. Its bodies were verified before they were written; to do so again would
 * take so much longer than not finding one that strangers could tell a withdrawn item from an id nobody has.
 */
export function revocationLookup(db: Db): RevocationLookup {
  return (mediaId) => {
    const row = db.prepare('SELECT body FROM revocations WHERE media_id = ?').get(mediaId)
    return row === undefined ? undefined : (JSON.parse((row as { body: string }).body) as SignedRevocation)
  }
}

/**
 * Withdrawn items of which the network may hear that they are: those it was told of before. That of a private one would be the
 * first it hears of it: that there is one, whose it is, and what takes its place.
 * @param mediaId only this one
 */
export function tellableWithdrawals(db: Db, mediaId?: string): string[] {
  const sql = `
    SELECT media_id AS mediaId FROM revocations AS said WHERE (? IS NULL OR media_id = ?) AND (
      EXISTS (SELECT 1 FROM network_publications AS told WHERE told.media_id = said.media_id AND told.kind = 'manifest')
      OR EXISTS (SELECT 1 FROM network_manifests AS known
        WHERE known.media_id = said.media_id AND known.access_level <> 'private')
      OR EXISTS (SELECT 1 FROM items WHERE items.media_id = said.media_id AND ${IS_TOLD}))`
  const rows = db.prepare(sql).all(mediaId ?? null, mediaId ?? null) as { mediaId: string }[]
  return rows.map((row) => row.mediaId)
}

interface Tied {
  readonly network: Pick<Network, 'onRevocation' | 'withdraw' | 'lookup' | 'status'>
  readonly revocations: Pick<Revocations, 'apply' | 'get' | 'onRecorded'>
  readonly db: Db
  readonly log: Log
}

/** `isTold` for rows of the items table. */
const IS_TOLD = `access_level <> 'private' AND (access_level = 'public') = (protection = 'none')`
const ROUND_MS = 60_000
/** Relays are connected by then. */
const FIRST_ROUND_MS = 5_000
/** Held items of others that are asked about in a round. */
const PER_ROUND = 20

/**
 * Obeys withdrawals the network tells of, and tells it of those this node learns of by other ways. Whoever was away when one was
 * said did not hear it: items of others are asked about again, a few at a time. Never is one named whose id no relay may hear.
 * @returns ends it
 */
export function followWithdrawals({ network, revocations, db, log }: Tied): () => void {
  let isEnded = false
  const stopHearing = network.onRevocation((revocation) => obey(revocations, revocation, log))
  const stopTelling = revocations.onRecorded((mediaId) => {
    // When the transaction it is written in is over, and only if it came to a good end.
    setImmediate(() => {
      tell(mediaId).catch((error: unknown) => log.error('revocations.not-told', { mediaId, error }))
    })
  })
  const tell = async (mediaId: string): Promise<void> => {
    const revocation = isEnded ? undefined : revocations.get(mediaId)
    if (revocation !== undefined && tellableWithdrawals(db, mediaId).length > 0)
      await network.withdraw(revocation)
  }
  let after = ''
  const ask = async (): Promise<void> => {
    if (!network.status().gun.relays.some(({ state }) => state === 'open')) return
    const rows = db
      .prepare(
        `SELECT media_id AS mediaId, owner FROM items
         WHERE is_own = 0 AND trashed_at_ms IS NULL AND media_id > ? AND ${IS_TOLD}
         ORDER BY media_id LIMIT ?`,
      )
      .all(after, PER_ROUND) as { mediaId: string; owner: string }[]
    after = rows.length < PER_ROUND ? '' : (rows.at(-1)?.mediaId ?? '')
    for (const { mediaId, owner } of rows) {
      if (isEnded) return
      await network.lookup(mediaId, { owner })
    }
  }
  const next = (delayMs: number): NodeJS.Timeout =>
    setTimeout(() => {
      ask()
        .catch((error: unknown) => {
          if (!isEnded) log.error('revocations.round-failed', { error })
        })
        .finally(() => {
          if (!isEnded) timer = next(ROUND_MS)
        })
    }, delayMs).unref()
  let timer = next(FIRST_ROUND_MS)
  return () => {
    isEnded = true
    clearTimeout(timer)
    stopHearing()
    stopTelling()
  }
}

/** Does what an owner says of an item that is held; what anybody else says changes nothing. @param value from outside */
export function obey(revocations: Pick<Revocations, 'apply'>, value: unknown, log: Log): void {
  try {
    revocations.apply(value)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    log.info('revocations.refused', { code: error.code })
  }
}
