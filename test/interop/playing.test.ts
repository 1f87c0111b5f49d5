import { rename } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { makeEncrypted } from '../support/encrypted-torrent.ts'
import { openFetchNode } from '../support/fetch-node.ts'
import { startLibtorrent } from '../support/libtorrent.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startWebNode } from '../support/web-node.ts'

const MIB = 1024 * 1024

it('plays an encrypted video from its middle while a slow libtorrent, which knows nothing of it, still sends it', async () => {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const item = await makeEncrypted({ dir: dir.path, sizeBytes: 40 * MIB })
  await rename(item.path, dir.file(item.name))
  const seeder = stack.use(
    await startLibtorrent({ mode: 'seed', torrent: item.metainfoPath, dir: dir.path, uploadLimit: 2 * MIB }),
  )
  // It knows what the item is, and gives none of its bytes.
  const node = stack.use(await startWebNode(item, { manifest: item.manifest, path: '/nothing' }))
  const reader = stack.use(await openFetchNode({ root: dir.file('reader') }))
  const link = item.link({ peers: [`127.0.0.1:${String(seeder.port)}`] })
  const id = await reader.fetcher.begin({ link, from: [node.url] })
  await reader.until(id, ({ isPlayable, bytesDone }) => isPlayable && bytesDone > MIB)
  const file = await reader.fetcher.openPlain(id)
  stack.defer(() => file.close())
  for (const start of [20 * MIB, item.plain.length - 150_000, 10 * MIB]) {
    const begunMs = performance.now()
    const chunks: Uint8Array[] = []
    for await (const chunk of file.read(start, start + 150_000)) chunks.push(Buffer.from(chunk))
    expect(performance.now() - begunMs).toBeLessThan(5000)
    expect(Buffer.compare(Buffer.concat(chunks), item.plain.subarray(start, start + 150_000))).toBe(0)
  }
  expect(reader.transfers.get(id)).toMatchObject({ state: 'active' })
  expect(reader.transfers.get(id)?.bytesDone).toBeLessThan(30 * MIB)
})
