import fs from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { formatLink } from '../../app/fetching/index.ts'
import { Child } from '../support/child.ts'
import { openFetchNode } from '../support/fetch-node.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir } from '../support/temp-dir.ts'
import { publisherManifest, startWebNode } from '../support/web-node.ts'

const MIB = 1024 * 1024
const KILLS = 50
const LONGEST_LIFE_MS = 700
const script = fileURLToPath(new URL('../support/get-child.ts', import.meta.url))

it('survives fifty kills at random moments of getting: nothing half-done is ever listed, everything finishes', async () => {
  const seed = Number(process.env['SOWER_TEST_SEED'] ?? Date.now() % 1_000_000)
  const random = mulberry32(seed)
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const seeder = stack.use(await startSwarm({ uploadLimitBytesPerSec: 3 * MIB }))

  const samples: SampleTorrent[] = []
  const gets: { mediaId: string; link: string; from: string[] }[] = []
  for (let i = 0; i < 15; i += 1) {
    const sample = await makeSample({
      dir: dir.path,
      sizeBytes: 2 * MIB + i * 1001,
      name: `item ${String(i)}.bin`,
    })
    samples.push(sample)
    const { mediaId, infoHash, metainfo } = sample
    if (i % 3 === 0) {
      const web = stack.use(await startWebNode(sample, { bytesPerSec: 3 * MIB }))
      gets.push({ mediaId, link: mediaId, from: [web.url] })
    } else if (i % 3 === 1) {
      const web = stack.use(
        await startWebNode(sample, { manifest: publisherManifest(sample), metainfo, bytesPerSec: 3 * MIB }),
      )
      gets.push({ mediaId, link: mediaId, from: [web.url] })
    } else {
      seeder.seed(sample)
      gets.push({ mediaId, link: formatLink({ mediaId, infoHash }), from: [seeder.address] })
    }
  }

  const root = dir.file('node')
  const start = (): Child => new Child(process.execPath, [script, JSON.stringify({ root, gets })])
  const judge = ({ lines }: Child): void => {
    const bad = lines.filter((line) => /^(bad|failed)/.test(line))
    expect(bad, `seed ${String(seed)}`).toEqual([])
  }
  // The next ones load while this one lives.
  const waiting = [start(), start()]
  stack.defer(async () => {
    for (const child of waiting) await child.stop()
  })
  const next = async (): Promise<Child> => {
    const child = waiting.shift() ?? start()
    waiting.push(start())
    await child.line((line) => line === 'loaded')
    child.process.stdin?.write('go\n')
    return child
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    await using child = await next()
    // Now and then while it is still starting.
    if (random() > 0.1) await child.line((line) => line === 'running')
    await sleep(random() * LONGEST_LIFE_MS)
    child.process.kill('SIGKILL')
    await child.exited()
    judge(child)
  }
  await using last = await next()
  await last.line((line) => line === 'all done', 60_000)
  await last.exited()
  judge(last)

  const node = stack.use(await openFetchNode({ root }))
  const states = node.library
    .list({ limit: 500 })
    .rows.map(({ mediaId, fileState }) => `${mediaId} ${fileState}`)
  expect(new Set(states)).toEqual(new Set(samples.map(({ mediaId }) => `${mediaId} ok`)))
  for (const { mediaId } of samples)
    expect(await sha256Of(`${node.mediaDir}/${mediaId}/original`)).toBe(mediaId)
  expect(node.transfers.listUnfinished(), `seed ${String(seed)}`).toEqual([])
  expect(await node.incoming(), `seed ${String(seed)}`).toEqual([])
  expect((await fs.readdir(node.mediaDir)).filter((name) => name === '.damaged')).toEqual([])
})

/** Small seeded generator, so that a failing run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
