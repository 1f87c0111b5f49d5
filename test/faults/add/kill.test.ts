import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { verifyManifest } from '../../../app/manifest/index.ts'
import { makeDir, MIB, writeRandom } from '../../integration/ingest/fixture.ts'
import { openNode } from '../../integration/ingest/node.ts'

const KILLS = 50
const script = fileURLToPath(new URL('./node-process.ts', import.meta.url))

/** Runs a node until it is idle or `killAfterMs` after its start has passed. @returns whether it was killed */
async function runNode(root: string, paths: readonly string[], killAfterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [script, root, ...paths], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exited])
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  await exited
  clearTimeout(timer)
  const wasKilled = child.signalCode === 'SIGKILL'
  if (!wasKilled) expect(child.exitCode).toBe(0)
  return wasKilled
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** What the disk says after a crash, before the next start has had a chance to tidy up. */
async function expectNothingHalfDone(mediaDir: string): Promise<void> {
  for (const name of await fs.readdir(mediaDir).catch(() => [])) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue
    const dir = path.join(mediaDir, name)
    expect(await sha256Of(path.join(dir, 'original'))).toBe(name)
    verifyManifest(JSON.parse(await fs.readFile(path.join(dir, 'manifest.json'), 'utf8')), { mediaId: name })
    expect((await fs.readdir(dir)).toSorted()).toEqual([
      'manifest.json',
      'manifests',
      'media.torrent',
      'original',
    ])
  }
}

test(`${KILLS} kills at random moments of adding leave nothing half done`, { timeout: 300_000 }, async () => {
  const root = await makeDir()
  const sources = await Promise.all(
    [18 * MIB, 33 * MIB + 5, 1000, 3 * MIB, 70_000].map(async (sizeBytes, index) => {
      const file = path.join(root, `source ${index}`)
      await writeRandom(file, sizeBytes)
      return file
    }),
  )
  let kills = 0
  let round = 0
  let home = ''
  const added = async (): Promise<void> => {
    const node = await openNode({ root: home })
    try {
      await Promise.all(node.transfers.listUnfinished().map(({ id }) => node.over(id)))
      expect(node.transfers.list().map(({ state, isDuplicate }) => [state, isDuplicate])).toEqual(
        sources.map(() => ['done', false]),
      )
      expect(node.library.list().total).toBe(sources.length)
      expect(await fs.readdir(path.join(node.mediaDir, '.incoming'))).toEqual([])
    } finally {
      await node.close()
    }
  }
  while (kills < KILLS) {
    // Each home begins empty and is killed several times before it may finish.
    home = path.join(root, `home ${round++}`)
    await fs.mkdir(home)
    let paths: readonly string[] = sources
    for (let attempt = 0; attempt < 10 && kills < KILLS; attempt++) {
      const wasKilled = await runNode(home, paths, Math.random() * 400)
      await expectNothingHalfDone(path.join(home, 'media'))
      paths = []
      if (!wasKilled) break
      kills++
    }
    await added()
    await fs.rm(home, { recursive: true })
  }
  expect(kills).toBe(KILLS)
})
