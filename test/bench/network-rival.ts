import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../app/manifest/index.ts'
import { encodeManifest } from '../../app/network/codec.ts'
import { startRelay, type Relay } from '../support/gun-relay.ts'
import { makeManifest } from '../support/network-items.ts'
import { testSigner } from '../unit/manifest/owner.ts'

const RAW = fileURLToPath(new URL('./children/gun-raw-child.ts', import.meta.url))

interface RawNode {
  readonly path: readonly string[]
  readonly value: unknown
}

export interface RoundTimes {
  readonly writeSec: number
  readonly readSec: number
}

interface RawResult {
  readonly done: number
  readonly seconds: number
  readonly peakMiB: number
}

export function makeManifests(count: number, prefix: string): Manifest[] {
  const owner = testSigner(1)
  return Array.from({ length: count }, (_, n) => makeManifest(owner, `${prefix}${n}`))
}

/** Most memory a process had, in MiB; undefined when it is gone. Linux. */
export function peakMiB(pid: number | undefined): number | undefined {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return undefined
  }
}

/** A relay with a folder of its own: it takes whatever lies in it for its data, other programs' folders too. */
export async function startRelayIn(dir: string): Promise<Relay> {
  const own = join(dir, 'relay')
  await mkdir(own, { recursive: true })
  return startRelay(own)
}

/**
 * What the gun package's own clients take to write and read manifests through a relay of their own.
 * - `unsigned`: the hint, the frozen copy and the list's entry; the hint is read. Anybody could have written them.
 * - `signed`: as well the node in the publisher's space, with the very fields ours has there, and its entry in the
 *   space's list, signed by gun's SEA; the hint and that node are read, as ours are. It checks no manifest and asks for no withdrawal.
 * @returns seconds for each half
 */
export async function rawRound(
  manifests: readonly Manifest[],
  dir: string,
  { isSigned, inFlight, readsAtOnce }: { isSigned: boolean; inFlight: number; readsAtOnce: number },
): Promise<RoundTimes> {
  await using relay = await startRelayIn(dir)
  const [writer, reader] = await Promise.all([
    startRaw(relay.url, dir, 'writer', isSigned),
    startRaw(relay.url, dir, 'reader', false),
  ])
  try {
    const spaceOf = (manifest: Manifest): RawNode[] => (isSigned ? spaceNodesOf(manifest, writer.pub) : [])
    const nodes = manifests.flatMap((manifest) => [...nodesOf(manifest), ...spaceOf(manifest)])
    const reads = manifests.flatMap((manifest) => [hintOf(manifest), ...spaceOf(manifest).slice(0, 1)])
    const written = await ask(writer.child, 'put', nodes, inFlight, 60_000)
    const read = await ask(reader.child, 'on', reads, readsAtOnce, 60_000)
    if (written.done < nodes.length || read.done < reads.length)
      throw new Error(`the gun client did not finish: ${JSON.stringify({ written, read })}`)
    return { writeSec: written.seconds, readSec: read.seconds }
  } finally {
    writer.child.kill('SIGKILL')
    reader.child.kill('SIGKILL')
  }
}

/** All hints at once, as fast as gun's client goes when nobody paces it. */
export async function rawBurst(
  manifests: readonly Manifest[],
  dir: string,
  limitMs: number,
): Promise<RawResult> {
  await using relay = await startRelayIn(dir)
  const { child } = await startRaw(relay.url, dir, 'burst', false)
  try {
    return await ask(child, 'put', manifests.map(hintOf), manifests.length, limitMs)
  } finally {
    child.kill('SIGKILL')
  }
}

function nodesOf(manifest: Manifest): RawNode[] {
  const { hash, text } = encodeManifest(manifest)
  return [
    hintOf(manifest),
    { path: ['#media', hash], value: text },
    { path: ['media', manifest.id], value: { '#': `media:${manifest.id}` } },
  ]
}

function hintOf(manifest: Manifest): RawNode {
  return { path: [`media:${manifest.id}`], value: encodeManifest(manifest).fields }
}

/** What is signed: the item, and the entry of the list. */
function spaceNodesOf(manifest: Manifest, pub: string): RawNode[] {
  const { id, version, hash, parts, manifest: text } = encodeManifest(manifest).fields
  const soul = `~${pub}/media/${manifest.id}`
  return [
    { path: [soul], value: { id, version, hash, parts, manifest: text } },
    { path: [`~${pub}/media`, manifest.id], value: { '#': soul } },
  ]
}

async function startRaw(
  url: string,
  dir: string,
  name: string,
  isUser: boolean,
): Promise<{ readonly child: ChildProcess; readonly pub: string }> {
  const child = fork(RAW, [url, join(dir, name), ...(isUser ? ['user'] : [])], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const [{ pub }] = (await once(child, 'message')) as [{ pub: string }]
  return { child, pub }
}

async function ask(
  child: ChildProcess,
  call: 'put' | 'on',
  nodes: readonly RawNode[],
  inFlight: number,
  limitMs: number,
): Promise<RawResult> {
  const answer = once(child, 'message') as Promise<[RawResult]>
  child.send({ call, nodes, inFlight, limitMs })
  return (await answer)[0]
}
