import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../app/manifest/index.ts'
import { encodeManifest } from '../../app/network/codec.ts'
import { startRelay } from '../support/gun-relay.ts'
import { makeManifest } from '../support/network-items.ts'
import { NetworkNode, seaTestPair } from '../support/network-node.ts'
import { testSigner } from '../unit/manifest/owner.ts'
import { median, packageVersion, seconds, type Benchmark, type Row } from './report.ts'

const IN_FLIGHT = 100
const READS_AT_ONCE = 32
const RAW = fileURLToPath(new URL('./children/gun-raw-child.ts', import.meta.url))

/** Manifests through a stock relay, against the gun package's own client writing and reading the same nodes. */
export const benchmark: Benchmark = {
  name: 'network',
  versions: () => ({ gun: packageVersion('gun') }),
  async run({ isQuick, dir }) {
    const rows: Row[] = [await publishAndRead(isQuick ? 100 : 500, isQuick ? 1 : 3, dir)]
    rows.push(...(await burst(isQuick ? 1_000 : 8_000, isQuick ? 10_000 : 60_000, dir)))
    return rows
  },
}

async function publishAndRead(count: number, rounds: number, dir: string): Promise<Row> {
  const times = { raw: [] as number[], ours: [] as number[] }
  const warm: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const manifests = makeManifests(count, `round ${round} `)
    times.raw.push(await rawRound(manifests, join(dir, `raw-${round}`)))
    const { total, resolveMs } = await ourRound(manifests, join(dir, `ours-${round}`))
    times.ours.push(total)
    warm.push(resolveMs)
  }
  return {
    what: `publish ${count} manifests and read them back, ${IN_FLIGHT} in flight`,
    ours: `${(count / median(times.ours)).toFixed(0)}/s`,
    rival: `${(count / median(times.raw)).toFixed(0)}/s gun's own client, unsigned`,
    ratio: median(times.raw) / median(times.ours),
    target: { atLeast: 0.9 },
    note: `a known item from a warm relay: ${median(warm).toFixed(0)} ms`,
  }
}

async function burst(count: number, limitMs: number, dir: string): Promise<Row[]> {
  const manifests = makeManifests(count, 'burst ')
  const ourDir = join(dir, 'burst-ours')
  await mkdir(ourDir)
  await using relay = await startRelay(ourDir)
  await using node = await startNode(join(ourDir, 'node'), relay.url)
  for (const manifest of manifests) await node.add(manifest)
  const ourSec = await seconds(() => node.call('publishAll'))
  const { gun, owed } = await node.until((status) => status.owed === 0, 60_000)
  const ourMiB = peakMiB(gun.pid ?? 0)
  const rawDir = join(dir, 'burst-raw')
  await mkdir(rawDir)
  await using rawRelay = await startRelay(rawDir)
  const raw = await startRaw(rawRelay.url, rawDir, 'burst')
  const result = await ask(raw, 'put', manifests.flatMap(hintOf), count, limitMs)
  raw.kill('SIGKILL')
  return [
    {
      what: `${count} manifests at once: acknowledged by the relay`,
      ours: `all but ${owed} in ${ourSec.toFixed(0)} s`,
      rival: `${((100 * result.done) / count).toFixed(0)} % in ${result.seconds.toFixed(0)} s gun's own client, unbounded, one node each`,
      ratio: result.done / count,
    },
    {
      what: `the same: peak memory of GUN's process, MiB`,
      ours: `${ourMiB.toFixed(0)} MiB`,
      rival: `${result.peakMiB.toFixed(0)} MiB gun's own client`,
      ratio: ourMiB,
      target: { atMost: 300 },
    },
  ]
}

function makeManifests(count: number, prefix: string): Manifest[] {
  const owner = testSigner(1)
  return Array.from({ length: count }, (_, n) => makeManifest(owner, `${prefix}${n}`))
}

/** What a client without signatures of its own would write: the node itself, the frozen copy, and the list's entry. */
function nodesOf(manifest: Manifest): { path: string[]; value: unknown }[] {
  const { hash, text } = encodeManifest(manifest)
  return [
    ...hintOf(manifest),
    { path: ['#media', hash], value: text },
    { path: ['media', manifest.id], value: { '#': `media:${manifest.id}` } },
  ]
}

function hintOf(manifest: Manifest): { path: string[]; value: unknown }[] {
  return [{ path: [`media:${manifest.id}`], value: encodeManifest(manifest).fields }]
}

async function rawRound(manifests: readonly Manifest[], dir: string): Promise<number> {
  await mkdir(dir)
  await using relay = await startRelay(dir)
  const [writer, reader] = await Promise.all([
    startRaw(relay.url, dir, 'writer'),
    startRaw(relay.url, dir, 'reader'),
  ])
  try {
    const nodes = manifests.flatMap(nodesOf)
    const written = await ask(writer, 'put', nodes, IN_FLIGHT, 60_000)
    const read = await ask(reader, 'on', manifests.flatMap(hintOf), READS_AT_ONCE, 60_000)
    if (written.done < nodes.length || read.done < manifests.length)
      throw new Error(`the gun client did not finish: ${JSON.stringify({ written, read })}`)
    return written.seconds + read.seconds
  } finally {
    writer.kill('SIGKILL')
    reader.kill('SIGKILL')
  }
}

async function ourRound(
  manifests: readonly Manifest[],
  dir: string,
): Promise<{ total: number; resolveMs: number }> {
  await mkdir(dir)
  await using relay = await startRelay(dir)
  await using writer = await startNode(join(dir, 'writer'), relay.url)
  await using reader = await startNode(join(dir, 'reader'), relay.url)
  for (const manifest of manifests) await writer.add(manifest)
  const written = await seconds(() => writer.call('publishAll'))
  const read = await seconds(async () => {
    const queue = [...manifests]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        // The gun client waits for as long as it takes; so does this.
        let tries = 0
        while (!(await reader.lookup(next.id)).isFresh) {
          if ((tries += 1) > 20) throw new Error('a manifest was not found')
        }
      }
    }
    await Promise.all(Array.from({ length: READS_AT_ONCE }, work))
  })
  const [first] = manifests
  const resolveMs = first === undefined ? 0 : 1000 * (await seconds(() => reader.lookup(first.id)))
  return { total: written + read, resolveMs }
}

function startNode(dir: string, relay: string): Promise<NetworkNode> {
  return NetworkNode.start({ dir, relays: [relay], pair: seaTestPair(), isFeedWanted: false })
}

interface RawResult {
  readonly done: number
  readonly seconds: number
  readonly peakMiB: number
}

async function startRaw(url: string, dir: string, name: string): Promise<ChildProcess> {
  const child = fork(RAW, [url, join(dir, name)], { cwd: dir, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  await once(child, 'message')
  return child
}

async function ask(
  child: ChildProcess,
  call: 'put' | 'on',
  nodes: readonly object[],
  inFlight: number,
  limitMs: number,
): Promise<RawResult> {
  const answer = once(child, 'message') as Promise<[RawResult]>
  child.send({ call, nodes, inFlight, limitMs })
  return (await answer)[0]
}

function peakMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}
