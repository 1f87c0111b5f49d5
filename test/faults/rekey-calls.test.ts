import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ItemRow } from '../../app/library/index.ts'
import { bytesOf } from '../integration/ingest/fixture.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { openSharingNode, testPerson } from '../support/sharing-node.ts'
import { tempDir } from '../support/temp-dir.ts'
import { buildShim, readCalls, runWithFaults } from './shim/file-faults.ts'

const script = fileURLToPath(new URL('../support/rekey-once.ts', import.meta.url))
/** All of them take two minutes; each run takes others. `SOWER_TEST_ALL=1` takes all. */
const BUDGET_MS = process.env['SOWER_TEST_ALL'] === '1' ? 600_000 : 35_000
const seed = Number(process.env['SOWER_TEST_SEED'] ?? Date.now() % 1_000_000)
const ana = testPerson('ana')
const ben = testPerson('ben')
const CANARY = 'the canary sings at midnight '
const secret = bytesOf(150_000)
const clear = Buffer.from(CANARY.repeat(3000))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A node that was told to take Ben’s access away and to encrypt what lies in the clear, and has begun with neither. */
async function prepare(root: string): Promise<void> {
  await using node = await openSharingNode({ root })
  node.contacts.add(ana.card)
  node.contacts.add(ben.card)
  const source = path.join(root, 'source')
  await fs.writeFile(source, secret)
  const shared = await node.addEncrypted(source, [ana.owner, ben.owner])
  await fs.writeFile(source, clear)
  const plain = await node.addPlain(source)
  await fs.rm(source)
  node.rekeys.jobs.pause(await node.rekeys.remove(shared.mediaId, { people: [ben.owner] }))
  node.rekeys.jobs.pause(node.rekeys.encrypt(plain.mediaId, []))
}

/** What a dead process left, opened again: nothing is gone and nothing is seeded twice; and then everything is finished. */
async function inspect(root: string, context: string): Promise<void> {
  await using node = await openSharingNode({ root, isHeld: true })
  // Said before anything goes on: what the row says is what is seeded.
  const seeded = node.library.list().rows.filter((row) => row.isSeedingWanted && row.infoHash !== undefined)
  const contents = async (rows: readonly ItemRow[]): Promise<string[]> => {
    const found: string[] = []
    for (const { mediaId } of rows) {
      // What is just being put away is not there any more when it is read.
      const bytes = await node.read(mediaId).catch(() => undefined)
      if (bytes !== undefined) found.push(sha256(bytes))
    }
    return found
  }
  const both = [secret, clear].map(sha256)
  const isSeededOnce = await contents(seeded)
  expect(new Set(isSeededOnce).size, context).toBe(isSeededOnce.length)
  expect(new Set(await contents(node.library.list().rows)), context).toEqual(new Set(both))

  node.start()
  for (const { id } of node.transfers.listUnfinished()) {
    node.rekeys.jobs.resume(id)
    expect(await node.over(id), context).toMatchObject({ state: 'done' })
  }
  const rows = node.library.list().rows
  expect((await contents(rows)).toSorted(), context).toEqual(both.toSorted())
  for (const row of rows) {
    expect(row, context).toMatchObject({ protection: 'readable', fileState: 'ok', isSeedingWanted: true })
    const manifest = JSON.stringify(await node.library.manifest(row.mediaId))
    expect(manifest.includes(ben.owner) || manifest.includes(ben.pair.pub), context).toBe(false)
    expect(manifest, context).not.toContain(sha256(clear))
  }
  for (const row of node.library.list({ isTrashed: true }).rows) {
    expect(row.isSeedingWanted, context).toBe(false)
    expect(node.revocations.get(row.mediaId)?.supersededBy, context).toBeDefined()
  }
  expect(node.library.list({ isTrashed: true }).rows.length, context).toBe(1)
  expect(await fs.readdir(path.join(node.mediaDir, '.incoming')), context).toEqual([])
  expect(await fs.readdir(node.mediaDir), context).not.toContain('.damaged')
  for (const entry of await fs.readdir(node.mediaDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const text = await fs.readFile(path.join(entry.parentPath, entry.name), 'latin1')
    expect(text.includes(CANARY), `${entry.name}, ${context}`).toBe(false)
  }
}

it('encrypting anew comes to its end after SIGKILL at any file call', async () => {
  await using dir = await tempDir()
  const shim = await buildShim(dir.path)
  const log = dir.file('calls')
  const undisturbed = dir.file('undisturbed')
  await fs.mkdir(undisturbed)
  await prepare(undisturbed)
  const whole = await runWithFaults(shim, { dir: undisturbed, log }, [script, undisturbed])
  expect(whole, whole.stderr).toMatchObject({ code: 0, stdout: 'done \ndone \n' })
  await inspect(undisturbed, 'undisturbed')
  const calls = await readCalls(log)
  expect(calls.some((call) => call.startsWith('rename /media/.incoming/'))).toBe(true)
  // Of a row of equal ones (a page of the database after the other) only the first and the last.
  const points = calls.flatMap((call, at) =>
    call === calls[at - 1] && call === calls[at + 1] ? [] : [at + 1],
  )

  let killed = 0
  let tried = 0
  const random = seededRandom(seed)
  const queue = points
    .map((at) => ({ at, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ at }) => at)
  const untilMs = performance.now() + BUDGET_MS
  const worker = async (): Promise<void> => {
    for (let at = queue.shift(); at !== undefined && performance.now() < untilMs; at = queue.shift()) {
      tried += 1
      const root = dir.file(`run-${at}`)
      await fs.mkdir(root)
      await prepare(root)
      const { code } = await runWithFaults(shim, { dir: root, at }, [script, root])
      if (code === null) killed += 1
      await inspect(root, `seed ${seed}, killed at call ${at} of ${calls.length}: ${calls[at - 1]}`)
      await fs.rm(root, { recursive: true })
    }
  }
  await Promise.all([worker(), worker()])
  expect(killed).toBeGreaterThan(tried - 5)
  expect(tried).toBeGreaterThan(5)
})
