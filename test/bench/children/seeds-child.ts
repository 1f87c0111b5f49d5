import { hash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSwarm } from '../../support/swarms.ts'
import type { SampleTorrent } from '../../support/sample-torrent.ts'
import type { SeedsMeasurement } from '../seeds.ts'

/** Run by `seeds.ts` in a process of its own, so that the memory measured is the seeds' alone. */
interface Job {
  readonly tracker: string
  readonly count: number
  readonly idleSeconds: number
  readonly sample: SampleTorrent
}

const job = JSON.parse(process.argv[2] ?? '') as Job // written by seeds.ts
const node = await startSwarm({ trackers: [job.tracker] })
const { swarm } = node
// The first makes what all share: the socket, compiled code.
node.seed(job.sample)
await sleep(1500)
globalThis.gc?.()
const rssBefore = process.memoryUsage().rss

const startedAtMs = performance.now()
for (let index = 1; index < job.count; index += 1) {
  const infoHash = hash('sha1', String(index), 'hex')
  swarm.seed({
    mediaId: hash('sha256', infoHash, 'hex'),
    infoHash,
    metainfoPath: `/none/${infoHash}`,
    sizeBytes: 1e6,
    reach: 'everywhere',
  })
}
process.send?.('seeding')
await once(process, 'message')
const startSeconds = (performance.now() - startedAtMs) / 1000
await sleep(1000)
const bytesPerSeed = (process.memoryUsage().rss - rssBefore) / (job.count - 1)

const before = process.cpuUsage()
await sleep(job.idleSeconds * 1000)
const used = process.cpuUsage(before)
const result: SeedsMeasurement = {
  startSeconds,
  bytesPerSeed,
  idleCpuPercent: (used.user + used.system) / (job.idleSeconds * 10_000),
}
process.send?.(result)
