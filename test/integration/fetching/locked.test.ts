import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { openFetchNode } from '../../support/fetch-node.ts'
import { makeSample, sha256Of } from '../../support/sample-torrent.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startWebNode } from '../../support/web-node.ts'

const MIB = 1024 * 1024

it(
  'a download over plain HTTP goes on while nothing can be written to the database',
  { timeout: 120_000 },
  async () => {
    await using dir = await tempDir()
    const sample = await makeSample({ dir: dir.path, sizeBytes: 12 * MIB, name: 'a film.bin' })
    await using server = await startWebNode(sample, { bytesPerSec: MIB })
    const root = dir.file('node')
    await using node = await openFetchNode({ root })
    const id = await node.fetcher.begin({ link: sample.mediaId, from: [server.url] })
    await node.until(id, ({ bytesDone }) => bytesDone > MIB)

    // Another program holds it; every write waits a while and is refused.
    const other = new Database(path.join(root, 'data', 'sower.db'))
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    await sleep(12_000)
    expect(node.transfers.get(id)).toMatchObject({ state: 'active' })
    other.exec('ROLLBACK')

    await node.until(id, ({ state }) => state === 'done', 60_000)
    expect(await sha256Of(path.join(node.mediaDir, sample.mediaId, 'original'))).toBe(sample.mediaId)
  },
)
