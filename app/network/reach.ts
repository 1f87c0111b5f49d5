import { accessLevelOf, isEncrypted, isTold, type Manifest } from '../manifest/index.ts'

/** How far an item may be told of. */
export type Reach = 'listed' | 'unlisted' | 'none'

/**
 * Public items are listed for everybody; items shared with some are there for those who know their id, as ciphertext with sealed
 * names; the rest is never told of.
 */
export function reachOf(manifest: Manifest): Reach {
  const level = accessLevelOf(manifest)
  if (!isTold(level, isEncrypted(manifest))) return 'none'
  if (level === 'public') return 'listed'
  const isSealed = manifest.encryption?.sealed !== undefined && manifest.name === undefined
  return isSealed ? 'unlisted' : 'none'
}
