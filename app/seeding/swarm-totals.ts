import type { SwarmLeech } from './leech.ts'
import type { Seeds } from './seeds.ts'
import type { Session } from './session.ts'
import type { RateMeter } from './throttle.ts'
import type { SwarmTotals } from './types.ts'

/** What a whole swarm does at the moment. */
export function totalsOf({
  seeds,
  leeches,
  sessions,
  upload,
}: {
  readonly seeds: Pick<Seeds, 'size' | 'awakeCount'>
  readonly leeches: readonly SwarmLeech[]
  readonly sessions: readonly Session[]
  readonly upload: RateMeter
}): SwarmTotals {
  const links = sessions.flatMap((session) => [...session.links])
  const peersTcp = links.filter((link) => link.isTcp).length
  return {
    seeds: seeds.size,
    awake: seeds.awakeCount,
    peersTcp,
    peersWebrtc: links.length - peersTcp,
    uploadedBytes: upload.totalBytes,
    uploadRateBytesPerSec: upload.rateBytesPerSec(),
    downloadRateBytesPerSec: leeches.reduce((sum, leech) => sum + leech.rateBytesPerSec, 0),
  }
}
