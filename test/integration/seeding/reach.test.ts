import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import DHT from 'bittorrent-dht'
import type WebTorrent from 'webtorrent'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../app/ports/log.ts'
import { Discovery } from '../../../app/seeding/discovery.ts'
import { makeSample } from '../../support/sample-torrent.ts'
import { quietOptions, startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'

const LSD_PORT = 6771

test('ciphertext is announced to trackers, does not answer the local network, and falls silent with the rest', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  await using seeder = await startSwarm({
    trackers: [tracker.ws, tracker.http, tracker.udp],
    isLsdEnabled: true,
  })
  const [open, sealed, hidden] = await Promise.all(
    ['open', 'sealed', 'hidden'].map((name) => makeSample({ dir: dir.path, sizeBytes: 100_000, name })),
  )
  if (open === undefined || sealed === undefined || hidden === undefined) throw new Error('no samples')
  seeder.seed(open)
  seeder.seed(sealed, 'trackers')
  seeder.seed(hidden, 'nowhere')
  for (const { infoHash } of [open, sealed]) {
    await expect
      .poll(() => tracker.announces.filter((each) => each.infoHash === infoHash).length, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(3)
  }

  // Somebody in the local network looks for each of them; whoever has it dials them.
  const dialled: string[] = []
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  for (const { infoHash, name } of [sealed, hidden, open]) {
    const searcher = createServer((peer) => {
      dialled.push(name)
      peer.destroy()
    })
    onTestFinished(() => void searcher.close())
    searcher.listen(0, '127.0.0.1')
    await once(searcher, 'listening')
    const { port } = searcher.address() as AddressInfo
    const lines = [
      'BT-SEARCH * HTTP/1.1',
      `Host: 239.192.152.143:${LSD_PORT}`,
      `Port: ${port}`,
      `Infohash: ${infoHash}`,
      'cookie: somebody-else',
    ]
    socket.send(`${lines.join('\r\n')}\r\n\r\n\r\n`, LSD_PORT, '127.0.0.1')
  }
  await expect.poll(() => dialled, { timeout: 5000 }).toContain('open')
  await sleep(500) // the others would have been dialled by now, which has no event
  expect(new Set(dialled)).toEqual(new Set(['open']))

  await seeder.swarm.pause()
  await tracker.seen(({ kind, infoHash }) => kind === 'stop' && infoHash === sealed.infoHash)
  const before = tracker.announces.length
  await sleep(500)
  expect(tracker.announces).toHaveLength(before)
  expect(tracker.announces.some(({ infoHash }) => infoHash === hidden.infoHash)).toBe(false)
})

test('ciphertext is never spoken of in the DHT, seeded or fetched', async () => {
  await using tracker = await startTracker()
  const node = new DHT({ bootstrap: false })
  const asked = new Set<string>()
  // Every query that names a torrent, as the node on the other side sees it.
  node._rpc.on('query', (query: { a?: { info_hash?: Uint8Array } }) => {
    const hash = query.a?.info_hash
    if (hash !== undefined) asked.add(Buffer.from(hash).toString('hex'))
  })
  node.listen(0, '127.0.0.1')
  await once(node, 'listening')
  const client = new DHT({ bootstrap: [`127.0.0.1:${node.address().port}`] })
  client.listen(0, '127.0.0.1')
  await once(client, 'ready')
  const discovery = new Discovery(
    { dht: client } as unknown as WebTorrent, // no more of a client is used
    { ...quietOptions, trackers: [tracker.http] },
    {
      peerId: '2d53573031302d'.padEnd(40, '0'),
      iceServers: [],
      peerPort: () => 6881,
      nowMs: () => Date.now(),
      onPeers: () => undefined,
      onSeeds: () => undefined,
      onSearch: () => undefined,
      onChange: () => undefined,
      takeWebrtc: () => Promise.resolve(false),
    },
    silentLog,
  )
  onTestFinished(async () => {
    await discovery.close()
    await Promise.all(
      [client, node].map((each) => new Promise<void>((resolve) => each.destroy(() => resolve()))),
    )
  })
  const hashOf = (n: number): string => String(n).repeat(40)
  const add = (n: number, isLeech: boolean, reach: 'everywhere' | 'trackers' | 'nowhere'): void =>
    discovery.add({ infoHash: hashOf(n), left: () => (isLeech ? 1 : 0), wanted: () => 0 }, { isLeech, reach })
  add(1, false, 'trackers')
  add(2, true, 'trackers')
  add(3, false, 'nowhere')
  add(4, false, 'everywhere')
  add(5, true, 'everywhere')
  await expect.poll(() => [...asked].toSorted(), { timeout: 15_000 }).toEqual([hashOf(4), hashOf(5)])
  for (const n of [1, 2, 4, 5]) await tracker.seen(({ infoHash }) => infoHash === hashOf(n))
  await sleep(2500) // two more turns of the announcer
  expect([...asked].toSorted()).toEqual([hashOf(4), hashOf(5)])
  expect(tracker.announces.some(({ infoHash }) => infoHash === hashOf(3))).toBe(false)

  // A download that turns out to be of ciphertext is hidden from then on.
  discovery.hide(hashOf(5))
  expect(asked.size).toBe(2)
})
