import { randomUUID } from 'node:crypto'
import { toErrorShape } from './contract/index.ts'
import type { Notice, Settings } from './contract/index.ts'
import type { Db, Library } from './library/index.ts'
import { canonicalJson } from './manifest/index.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import { Swarm } from './seeding/index.ts'

interface SwarmInit {
  readonly library: Library
  readonly db: Db
  readonly values: Settings
  readonly clock: Clock
  readonly log: Log
}

/** The part that speaks BitTorrent, with the library as what it gives. */
export function swarmPart({ library, db, values, clock, log }: SwarmInit): Swarm {
  return new Swarm({
    options: values,
    lastPeerPort: Number(db.getMeta('peer_port') ?? 0),
    open: async (mediaId) => {
      // A torrent file that does not fit is made again by this, for the next peer who asks.
      const [file] = await Promise.all([library.openForServing(mediaId), library.metainfo(mediaId)])
      return file
    },
    manifest: async (mediaId) => Buffer.from(canonicalJson(await library.manifest(mediaId))),
    clock,
    log,
  })
}

/** So that it listens there again the next time, if any port will do. */
export function notePeerPort(db: Db, { peerPort }: Pick<Swarm, 'peerPort'>): void {
  if (db.getMeta('peer_port') !== String(peerPort)) db.setMeta('peer_port', String(peerPort))
}

/** What the user is told when the swarm could not begin again. */
export function swarmFailure(error: unknown, clock: Clock): Notice {
  const { code, message, hint = '' } = toErrorShape(error)
  return {
    id: randomUUID(),
    atMs: clock.nowMs(),
    level: 'error',
    code,
    message: `${message} Until that is solved nothing is seeded to peers or fetched from them. Your media are safe.`,
    hint: `${hint} To try again, pause all traffic and resume it.`.trim(),
  }
}
