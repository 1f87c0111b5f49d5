import { join } from 'node:path'
import type { Manifest } from '../../app/manifest/index.ts'
import { NetworkNode, seaTestPair } from '../support/network-node.ts'
import { makeManifests, peakMiB, rawBurst, rawRound, startRelayIn, type RoundTimes } from './network-rival.ts'
import { median, packageVersion, seconds, type Benchmark, type Row } from './report.ts'

const IN_FLIGHT = 100
const READS_AT_ONCE = 32
const RAW_BURST_MS = 20_000

/**
 * Manifests through a stock relay, against the gun package's own client writing and reading through another. A manifest of ours
 * is a hint, a frozen copy, a list's entry and a node in its publisher's space, signed, and reading one asks for the hint, that node
 * and a withdrawal, and checks the owner's signature. So the aim is held against a client that writes and reads nodes signed in the
 * same way; one that signs and reads less is shown beside it.
 */
export const benchmark: Benchmark = {
  name: 'network',
  versions: () => ({ gun: packageVersion('gun') }),
  async run({ isQuick, dir }) {
    const rows = await publishAndRead(isQuick ? 50 : 200, isQuick ? 1 : 3, dir)
    rows.push(...(await burst(isQuick ? 500 : 8_000, isQuick ? 20_000 : 120_000, dir)))
    return rows
  },
}

async function publishAndRead(count: number, rounds: number, dir: string): Promise<Row[]> {
  const times = { signed: [] as RoundTimes[], unsigned: [] as RoundTimes[], ours: [] as RoundTimes[] }
  const warm: number[] = []
  const pace = { inFlight: IN_FLIGHT, readsAtOnce: READS_AT_ONCE }
  for (let round = 0; round < rounds; round += 1) {
    const manifests = makeManifests(count, `round ${round} `)
    const raw = (isSigned: boolean): Promise<RoundTimes> =>
      rawRound(manifests, join(dir, `raw-${round}-${isSigned}`), { isSigned, ...pace })
    times.unsigned.push(await raw(false))
    times.signed.push(await raw(true))
    const { resolveMs, ...ours } = await ourRound(manifests, join(dir, `ours-${round}`))
    times.ours.push(ours)
    warm.push(resolveMs)
  }
  const ours = totalSec(times.ours)
  const row = (what: string, rival: readonly RoundTimes[]): Row => ({
    what: `publish ${count} manifests and read them back, ${IN_FLIGHT} in flight`,
    ours: `${(count / ours).toFixed(0)}/s`,
    rival: `${(count / totalSec(rival)).toFixed(0)}/s gun's own client, ${what}`,
    ratio: totalSec(rival) / ours,
    note: `written and read in ${halves(times.ours)}; theirs in ${halves(rival)}`,
  })
  return [
    { ...row('signed by its SEA', times.signed), target: { atLeast: 0.9 } },
    row('unsigned, hints alone read', times.unsigned),
    {
      what: 'a known item from a warm relay, ms',
      ours: `${median(warm).toFixed(0)} ms`,
      rival: '',
      ratio: median(warm),
      target: { atMost: 500 },
    },
  ]
}

function totalSec(rounds: readonly RoundTimes[]): number {
  return median(rounds.map(({ writeSec, readSec }) => writeSec + readSec))
}

function halves(rounds: readonly RoundTimes[]): string {
  const of = (half: keyof RoundTimes): string => median(rounds.map((round) => round[half])).toFixed(1)
  return `${of('writeSec')} and ${of('readSec')} s`
}

async function ourRound(
  manifests: readonly Manifest[],
  dir: string,
): Promise<RoundTimes & { resolveMs: number }> {
  await using relay = await startRelayIn(dir)
  await using writer = await startNode(join(dir, 'writer'), relay.url)
  await using reader = await startNode(join(dir, 'reader'), relay.url)
  for (const manifest of manifests) await writer.add(manifest)
  const writeSec = await seconds(() => writer.call('publishAll'))
  const readSec = await seconds(async () => {
    const queue = [...manifests]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        // The gun client waits for as long as it takes; so does this.
        let tries = 0
        while ((await reader.lookup(next.id)).heard !== 'said') {
          if ((tries += 1) > 20) throw new Error('a manifest was not found')
        }
      }
    }
    await Promise.all(Array.from({ length: READS_AT_ONCE }, work))
  })
  const [first] = manifests
  const resolveMs = first === undefined ? 0 : 1000 * (await seconds(() => reader.lookup(first.id)))
  return { writeSec, readSec, resolveMs }
}

/** Everything is published at once; what the relay has not acknowledged by then is said, and so is every end of GUN's process. */
async function burst(count: number, limitMs: number, dir: string): Promise<Row[]> {
  const manifests = makeManifests(count, 'burst ')
  const ours = await ourBurst(manifests, join(dir, 'burst-ours'), limitMs)
  const raw = await rawBurst(manifests, join(dir, 'burst-raw'), RAW_BURST_MS)
  const percent = (done: number): string => `${((100 * done) / count).toFixed(0)} %`
  return [
    {
      what: `${count} manifests at once: acknowledged by the relay`,
      ours: `${percent(count - ours.owed)} in ${ours.seconds.toFixed(0)} s, four nodes and two entries each`,
      rival: `${percent(raw.done)} in ${raw.seconds.toFixed(0)} s gun's own client, unpaced, one node each`,
      ratio: (count - ours.owed) / count,
      note: `GUN's process ended ${ours.restarts} times${ours.lastExit === undefined ? '' : `: ${ours.lastExit}`}`,
    },
    {
      what: `the same: peak memory of GUN's process, MiB`,
      ours: `${ours.gunMiB.toFixed(0)} MiB`,
      rival: `${raw.peakMiB.toFixed(0)} MiB gun's own client`,
      ratio: ours.gunMiB,
      target: { atMost: 300 },
      note: `the engine beside it ${ours.engineMiB.toFixed(0)} MiB, the relay ${ours.relayMiB.toFixed(0)} MiB`,
    },
  ]
}

async function ourBurst(
  manifests: readonly Manifest[],
  dir: string,
  limitMs: number,
): Promise<{
  seconds: number
  owed: number
  restarts: number
  lastExit: string | undefined
  gunMiB: number
  engineMiB: number
  relayMiB: number
}> {
  await using relay = await startRelayIn(dir)
  await using node = await startNode(join(dir, 'node'), relay.url)
  for (const manifest of manifests) await node.add(manifest)
  const startedAtMs = performance.now()
  // Ends with the node at the latest.
  const publishing = node.call('publishAll').then(
    () => true,
    () => true,
  )
  // However often it is started again: the most that any of them had.
  const peaks = { gunMiB: 0, engineMiB: 0, relayMiB: 0 }
  let owed = manifests.length
  for (;;) {
    const isPublished = await Promise.race([publishing, sleep(500)])
    const { gun, owed: left } = await node.status()
    // Between two lives of GUN nobody knows.
    if (gun.state === 'running') owed = left ?? owed
    peaks.gunMiB = Math.max(peaks.gunMiB, peakMiB(gun.pid) ?? 0)
    peaks.engineMiB = Math.max(peaks.engineMiB, peakMiB(node.pid) ?? 0)
    peaks.relayMiB = Math.max(peaks.relayMiB, peakMiB(relay.pid) ?? 0)
    const elapsedMs = performance.now() - startedAtMs
    const isDone = isPublished === true && owed === 0 && gun.state === 'running'
    if (isDone || elapsedMs > limitMs)
      return { seconds: elapsedMs / 1000, owed, restarts: gun.restarts, lastExit: gun.lastExit, ...peaks }
    if (isPublished === true) await sleep(500)
  }
}

function startNode(dir: string, relay: string): Promise<NetworkNode> {
  return NetworkNode.start({ dir, relays: [relay], pair: seaTestPair(), isFeedWanted: false })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
