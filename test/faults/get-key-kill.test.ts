import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Child } from '../support/child.ts'
import { makeEncrypted } from '../support/encrypted-torrent.ts'
import { openFetchNode } from '../support/fetch-node.ts'
import { startSwarm } from '../support/swarms.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024
const script = fileURLToPath(new URL('../support/get-child.ts', import.meta.url))

it('a key that came with a link survives kills, and is never on the disk in the clear', async () => {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const item = await makeEncrypted({ dir: dir.path, sizeBytes: 4 * MIB })
  const seeder = stack.use(
    await startSwarm({ uploadLimitBytesPerSec: MIB }, () => Promise.resolve(item.manifestBytes)),
  )
  seeder.seed(item, 'trackers')
  const root = dir.file('node')
  const { mediaId } = item
  const spellings = [
    item.fileKey,
    ...(['hex', 'base64', 'base64url'] as const).map((as) => item.fileKey.toString(as)),
  ]

  for (let life = 0; life < 5; life += 1) {
    // Only the first is told the key.
    const link = item.link({ peers: [seeder.address], ...(life === 0 ? {} : { key: null }) })
    const gets = [{ mediaId, link, from: [] }]
    await using child = new Child(process.execPath, [script, JSON.stringify({ root, gets })])
    await child.line((line) => line === 'loaded')
    child.process.stdin?.write('go\n')
    await child.line((line) => line === `begun ${mediaId}`)
    if (life > 0) await new Promise((resolve) => setTimeout(resolve, 150 * life))
    child.process.kill('SIGKILL')
    await child.exited()
    const files = (await fs.readdir(root, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    )
    for (const { parentPath, name } of files) {
      const bytes = await fs.readFile(path.join(parentPath, name))
      for (const spelling of spellings) expect(bytes.includes(spelling), `${name}, life ${life}`).toBe(false)
    }
  }
  const node = stack.use(await openFetchNode({ root }))
  const [transfer] = node.transfers.list()
  await node.until(transfer?.id ?? '', ({ state }) => state === 'done')
  expect(node.library.get(mediaId)).toMatchObject({ protection: 'readable', name: item.plainName })
  const file = await node.openHeld(mediaId)
  const chunks: Uint8Array[] = []
  for await (const chunk of file.read(0, file.sizeBytes)) chunks.push(chunk)
  await file.close()
  expect(Buffer.compare(Buffer.concat(chunks), item.plain)).toBe(0)
})
