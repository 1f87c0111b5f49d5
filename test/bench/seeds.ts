import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { makeSample } from '../support/sample-torrent.ts'
import { startTracker } from '../support/tracker.ts'
import type { Benchmark, Row } from './report.ts'

/** What `seeds-child.ts` measured in a process of its own. */
export interface SeedsMeasurement {
  readonly startSeconds: number
  readonly bytesPerSeed: number
  readonly idleCpuPercent: number
}

/** Many idle seeds and one WebSocket tracker: starting until all are announced, memory each, CPU when nobody asks. */
export const benchmark: Benchmark = {
  name: 'seeds',
  async run({ isQuick, dir }) {
    const count = isQuick ? 200 : 1000
    // Each seed announces once a minute, so a whole round lies in the time measured.
    const idleSeconds = isQuick ? 3 : 66
    await using tracker = await startTracker({ intervalMs: 5 * 60_000 })
    const sample = await makeSample({ dir, sizeBytes: 1024 * 1024 })
    const child = fork(fileURLToPath(new URL('./children/seeds-child.ts', import.meta.url)), [
      JSON.stringify({
        tracker: tracker.ws,
        count,
        idleSeconds,
        sample: { ...sample, bytes: undefined, metainfo: undefined },
      }),
    ])
    child.on('message', (message) => {
      if (message === 'seeding') void announced(tracker.announces, count).then(() => child.send('announced'))
    })
    const result = await new Promise<SeedsMeasurement>((resolve, reject) => {
      child.on('message', (message) => {
        if (typeof message === 'object') resolve(message as SeedsMeasurement) // sent by seeds-child.ts
      })
      child.once('exit', (code) => reject(new Error(`the seeding process ended with ${String(code)}`)))
    })
    child.kill()
    await once(child, 'exit')
    return rows(count, idleSeconds, result, tracker.announces.length - count)
  },
}

function rows(count: number, idleSeconds: number, result: SeedsMeasurement, announces: number): Row[] {
  const what = `${String(count)} idle seeds, one ws tracker`
  return [
    {
      what: `${what}: all announced after`,
      ours: `${result.startSeconds.toFixed(2)} s`,
      rival: 'webtorrent defaults: 59 s for 1,000',
      ratio: result.startSeconds,
      target: { atMost: 5 },
    },
    {
      what: `${what}: memory each`,
      ours: `${(result.bytesPerSeed / 1024).toFixed(1)} KB`,
      rival: 'webtorrent defaults: 624 KB',
      ratio: result.bytesPerSeed / 1024,
      target: { atMost: 60 },
    },
    {
      what: `${what}: CPU when idle`,
      ours: `${result.idleCpuPercent.toFixed(2)} %`,
      rival: 'webtorrent defaults: 66 %',
      ratio: result.idleCpuPercent,
      target: { atMost: 1.5 },
      note: `over ${String(idleSeconds)} s with ${String(announces)} announces`,
    },
  ]
}

async function announced(announces: readonly { infoHash: string }[], count: number): Promise<void> {
  while (new Set(announces.map(({ infoHash }) => infoHash)).size < count) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
