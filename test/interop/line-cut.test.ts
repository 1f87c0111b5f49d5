import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Transfer } from '../../app/contract/index.ts'
import { canMakeNamespaces, TwoNamespaces } from '../support/namespaces.ts'
import { poll } from '../support/network-world.ts'
import { tempDir } from '../support/temp-dir.ts'

const RELAY = fileURLToPath(new URL('../support/gun-relay-process.ts', import.meta.url))
const TRACKER = fileURLToPath(new URL('../support/tracker-process.ts', import.meta.url))
const SIZE_BYTES = 24_000_000
const CUT_MS = 20_000

const isPossible = await canMakeNamespaces()

test.skipIf(!isPossible)(
  'a download whose line is cut midway goes on where it was, and the presence of who has it comes back',
  async () => {
    await using dir = await tempDir()
    await using world = await TwoNamespaces.open()
    const { address } = world.left
    await mkdir(dir.file('relay'))
    const portOf = (line: string): string => line.slice('listening '.length)
    const isPort = (line: string): boolean => line.startsWith('listening ')
    const relay = world.start('left', [RELAY, dir.file('relay'), '0', address])
    const tracker = world.start('left', [TRACKER, address])
    const relayUrl = `http://${address}:${portOf(await relay.line(isPort))}/gun`
    const trackerUrl = `http://${address}:${portOf(await tracker.line(isPort))}/announce`
    const env = { GUN_PEERS: relayUrl }
    const a = await world.serve('left', dir.file('a'), trackerUrl, { ...env, SOWER_UPLOAD_LIMIT: '1500000' })
    const b = await world.serve('right', dir.file('b'), trackerUrl, env)
    const bytes = randomBytes(SIZE_BYTES)
    await writeFile(dir.file('film.bin'), bytes)
    const { mediaId, link } = await a.sower<{ mediaId: string; link: string }>(
      'add',
      dir.file('film.bin'),
      '--access',
      'public',
    )

    const { transferId: id } = await b.call('fetching.start', { link })
    const progress = async (): Promise<Transfer> => {
      const { transfers } = await b.call('transfers.list', {})
      const found = transfers.find((transfer) => transfer.id === id)
      if (found === undefined) throw new Error('the download is gone')
      return found
    }
    await poll(progress, ({ bytesDone }) => bytesDone > SIZE_BYTES / 5, 60_000)
    await world.setLine(false)
    await sleep(3_000)
    const atCut = await progress()
    expect(atCut.state).not.toBe('done')
    await sleep(CUT_MS)
    const stillCut = await progress()
    expect(stillCut.state).toBe('active')
    expect(stillCut.bytesDone).toBe(atCut.bytesDone)

    await world.setLine(true)
    let least = Number.POSITIVE_INFINITY
    await poll(
      async () => {
        const now = await progress()
        least = Math.min(least, now.bytesDone)
        return now
      },
      ({ state }) => state === 'done',
      120_000,
    )
    // Nothing that had arrived was fetched twice.
    expect(least).toBeGreaterThanOrEqual(atCut.bytesDone)
    const stored = await readFile(join(dir.file('b'), 'media', mediaId, 'original'))
    expect(createHash('sha256').update(stored).digest('hex')).toBe(mediaId)

    const seen = await poll(
      () => a.call('discovery.item', { id: mediaId }),
      ({ item }) => item.copies.presence > 0,
      90_000,
    )
    expect(seen.item.copies.presence).toBe(1)
    expect(await b.call('node.status', {})).toMatchObject({
      network: { relays: [{ url: relayUrl, state: 'open' }] },
    })
  },
  300_000,
)
