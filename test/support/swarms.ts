import { systemClock } from '../../app/ports/clock.ts'
import { silentLog } from '../../app/ports/log.ts'
import { AppError } from '../../app/contract/index.ts'
import { Swarm, type Leech, type Reach, type SwarmOptions } from '../../app/seeding/index.ts'
import type { SampleTorrent } from './sample-torrent.ts'

/** Nothing but loopback: no DHT, LSD, UPnP, STUN. */
export const quietOptions: SwarmOptions = {
  peerPort: 0,
  trackers: [],
  isDhtEnabled: false,
  isLsdEnabled: false,
  isPexEnabled: true,
  isUpnpEnabled: false,
  uploadLimitBytesPerSec: null,
  downloadLimitBytesPerSec: null,
  iceServers: [],
}

interface TestSwarm extends AsyncDisposable {
  readonly swarm: Swarm
  readonly peerPort: number
  /** `127.0.0.1:port` */
  readonly address: string
  seed(sample: SampleTorrent, reach?: Reach): void
}

/** A started swarm that seeds what `seed` is given; stopped when it goes out of scope. */
export async function startSwarm(
  options: Partial<SwarmOptions> = {},
  manifest?: (mediaId: string) => Promise<Uint8Array | null>,
): Promise<TestSwarm> {
  const files = new Map<string, SampleTorrent>()
  const swarm = new Swarm({
    options: { ...quietOptions, ...options },
    open: (mediaId) => {
      const sample = files.get(mediaId)
      if (sample === undefined) return Promise.reject(new AppError('NOT_FOUND', 'No such item.'))
      return Promise.resolve({ path: sample.path, sizeBytes: sample.sizeBytes })
    },
    ...(manifest === undefined ? {} : { manifest }),
    clock: systemClock,
    log: silentLog,
  })
  const { peerPort } = await swarm.start()
  return {
    swarm,
    peerPort,
    address: `127.0.0.1:${String(peerPort)}`,
    seed: (sample, reach = 'everywhere') => {
      files.set(sample.mediaId, sample)
      swarm.seed({ ...sample, reach })
    },
    [Symbol.asyncDispose]: () => swarm.stop(),
  }
}

/** Resolves when every piece is on disk; rejects when the download gives up. */
export function finished(leech: Leech): Promise<void> {
  return new Promise((resolve, reject) => {
    leech.on('done', resolve)
    leech.on('error', reject)
  })
}
