import type { RevocationLookup, SignedRevocation } from './http/index.ts'
import type { Db } from './library/index.ts'

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
