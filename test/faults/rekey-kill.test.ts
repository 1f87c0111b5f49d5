import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { bytesOf } from '../integration/ingest/fixture.ts'
import { Child } from '../support/child.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { openSharingNode, testPerson } from '../support/sharing-node.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024
const KILLS = 30
const LONGEST_LIFE_MS = 500
const BUDGET_MS = 25_000
const script = fileURLToPath(new URL('../support/rekey-child.ts', import.meta.url))
const CANARY = 'the canary sings at midnight '

it('survives kills at random moments of encrypting anew: each file is there once, nothing is half-done', async () => {
  const seed = Number(process.env['SOWER_TEST_SEED'] ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const root = dir.file('node')
  const ana = testPerson('ana')
  const ben = testPerson('ben')
  const contents: string[] = []
  {
    await using node = await openSharingNode({ root })
    node.contacts.add(ana.card)
    node.contacts.add(ben.card)
    const keep = async (bytes: Buffer): Promise<string> => {
      contents.push(createHash('sha256').update(bytes).digest('hex'))
      await fs.writeFile(dir.file('source'), bytes)
      return dir.file('source')
    }
    for (const sizeBytes of [3 * MIB, 5 * MIB + 1001, 70_000]) {
      await node.addEncrypted(await keep(bytesOf(sizeBytes, contents.length)), [ana.owner, ben.owner])
    }
    await node.addPlain(await keep(Buffer.from(CANARY.repeat(100_000))))
  }

  const start = (isGoingOn: boolean): Child =>
    new Child(process.execPath, [script, JSON.stringify({ root, contents, isGoingOn })])
  const live = async (child: Child): Promise<void> => {
    await child.line((line) => line === 'loaded')
    child.process.stdin?.write('go\n')
  }
  const judge = ({ lines }: Child): void => {
    expect(
      lines.filter((line) => !/^(loaded|running|round|all done)$/.test(line)),
      `seed ${String(seed)}`,
    ).toEqual([])
  }
  // The next one loads while this one lives.
  let waiting = start(true)
  stack.defer(() => waiting.stop())
  const startedAtMs = performance.now()
  let kills = 0
  while (kills < KILLS && performance.now() - startedAtMs < BUDGET_MS) {
    await using child = waiting
    waiting = start(true)
    await live(child)
    // Now and then while it is still starting.
    if (random() > 0.1) await child.line((line) => line === 'running')
    await sleep(random() * LONGEST_LIFE_MS)
    child.process.kill('SIGKILL')
    await child.exited()
    judge(child)
    kills += 1
  }
  // On a busy machine each takes seconds to load.
  expect(kills).toBeGreaterThan(2)
  await using last = start(false)
  await live(last)
  await last.line((line) => line === 'all done', 60_000)
  await last.exited()
  judge(last)

  const node = stack.use(await openSharingNode({ root }))
  const rows = node.library.list({ limit: 500 }).rows
  const hashes = await Promise.all(
    rows.map(async ({ mediaId }) =>
      createHash('sha256')
        .update(await node.read(mediaId))
        .digest('hex'),
    ),
  )
  expect(hashes.toSorted(), `seed ${String(seed)}`).toEqual(contents.toSorted())
  expect(
    rows.map(({ protection, isSeedingWanted, fileState }) => ({ protection, isSeedingWanted, fileState })),
  ).toEqual(rows.map(() => ({ protection: 'readable', isSeedingWanted: true, fileState: 'ok' })))
  expect(node.transfers.listUnfinished(), `seed ${String(seed)}`).toEqual([])
  expect(await fs.readdir(path.join(node.mediaDir, '.incoming'))).toEqual([])
  expect((await fs.readdir(node.mediaDir)).filter((name) => name === '.damaged')).toEqual([])
  for (const { mediaId } of rows) {
    const manifest = JSON.stringify(await node.library.manifest(mediaId))
    expect(manifest).not.toContain(ben.pair.pub)
    expect(manifest).not.toContain(ben.owner)
  }
  for (const row of node.library.list({ limit: 500, isTrashed: true }).rows) {
    expect(row).toMatchObject({ isSeedingWanted: false })
    expect(node.revocations.get(row.mediaId)).toBeDefined()
  }
  // What lay here in the clear is nowhere any more.
  for (const entry of await fs.readdir(node.mediaDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const text = await fs.readFile(path.join(entry.parentPath, entry.name), 'latin1')
    expect(text.includes(CANARY), path.join(entry.parentPath, entry.name)).toBe(false)
  }
})
