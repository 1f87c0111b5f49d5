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

type How = 'clear' | 'encrypted'

/** In the content of every source, at its beginning and in its middle. */
const CANARY = 'CANARY-3f1d'
const script = fileURLToPath(new URL('./node-process.ts', import.meta.url))

/** Runs a node until it is idle or `killAfterMs` after its start has passed. @returns whether it was killed */
async function runNode(
  root: string,
  how: How,
  paths: readonly string[],
  killAfterMs: number,
): Promise<boolean> {
  const child = spawn(process.execPath, [script, root, how, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
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
async function expectNothingHalfDone(mediaDir: string, how: How): Promise<void> {
  const bytes = how === 'clear' ? 'original' : 'encrypted'
  for (const name of await fs.readdir(mediaDir).catch(() => [])) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue
    const dir = path.join(mediaDir, name)
    expect(await sha256Of(path.join(dir, bytes))).toBe(name)
    verifyManifest(JSON.parse(await fs.readFile(path.join(dir, 'manifest.json'), 'utf8')), { mediaId: name })
    expect((await fs.readdir(dir)).toSorted()).toEqual(
      ['manifest.json', 'manifests', 'media.torrent', bytes].toSorted(),
    )
  }
}

/** Media folder, staging, database and its journals: the plaintext is in none of them. */
async function expectNoCanary(home: string): Promise<void> {
  for (const entry of await fs.readdir(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    expect([file, (await fs.readFile(file)).includes(CANARY)]).toEqual([file, false])
  }
}

test.each([
  [50, 'clear'],
  [20, 'encrypted'],
] as const)(
  '%i kills at random moments of adding (%s) leave nothing half done',
  { timeout: 300_000 },
  async (kills, how) => {
    const root = await makeDir()
    const sources = await Promise.all(
      [18 * MIB, 33 * MIB + 5, 1000, 3 * MIB, 70_000].map(async (sizeBytes, index) => {
        const file = path.join(root, `source ${index}`)
        await writeRandom(file, sizeBytes)
        const handle = await fs.open(file, 'r+')
        for (const at of [0, Math.floor(sizeBytes / 2)]) await handle.write(CANARY, at)
        await handle.close()
        return file
      }),
    )
    let killed = 0
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
    while (killed < kills) {
      // Each home begins empty and is killed several times before it may finish.
      home = path.join(root, `home ${round++}`)
      await fs.mkdir(home)
      let paths: readonly string[] = sources
      for (let attempt = 0; attempt < 10 && killed < kills; attempt++) {
        const wasKilled = await runNode(home, how, paths, Math.random() * 400)
        await expectNothingHalfDone(path.join(home, 'media'), how)
        if (how === 'encrypted') await expectNoCanary(home)
        paths = []
        if (!wasKilled) break
        killed++
      }
      await added()
      await fs.rm(home, { recursive: true })
    }
    expect(killed).toBe(kills)
  },
)
