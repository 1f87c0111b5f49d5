import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import SimplePeer from '@thaunknown/simple-peer/lite.js'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { Announcer } from '../../../app/seeding/trackers/announcer.ts'

/** Nothing listens there: nobody hears of anything. */
const TRACKER = 'ws://127.0.0.1:9'
const INFO_HASH = 'cd'.repeat(20)

function announce(trackers: readonly string[]): Announcer {
  const announcer = new Announcer(trackers, {
    peerId: 'ab'.repeat(20),
    peerPort: () => 6881,
    nowMs: () => Date.now(),
    onPeers: () => undefined,
    onSeeds: () => undefined,
    onChange: () => undefined,
    iceServers: [],
    takeWebrtc: () => Promise.resolve(true),
  })
  onTestFinished(() => announcer.close())
  return announcer
}

/** A tracker that does what `onSocket` does. */
async function runTracker(onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  server.on('connection', onSocket)
  await once(server, 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a tracker that settings and a link spell differently is one, with one connection', () => {
  const announcer = announce([TRACKER, `${TRACKER}/`])
  const urls = (): string[] => announcer.statuses().map(({ url }) => url)
  const announced = { infoHash: INFO_HASH, left: () => 1, wanted: () => 5 }
  const http = ['http://127.0.0.1:9/announce', 'HTTP://127.0.0.1:9/announce', 'http://127.0.0.1:9/announce#a']
  announcer.add(announced, [`${TRACKER}/`, `${TRACKER}/#nothing`, ...http])
  expect(urls()).toEqual([TRACKER, 'http://127.0.0.1:9/announce'])
  announcer.setTrackers([`${TRACKER}/`])
  expect(urls()).toEqual([TRACKER, 'http://127.0.0.1:9/announce'])
  announcer.remove(announced.infoHash)
  expect(urls()).toEqual([TRACKER])
})

test('a tracker that sends too much at once is not listened to the end', async () => {
  const closed = Promise.withResolvers<number>()
  const url = await runTracker((socket) => {
    socket.send('x'.repeat(1024 * 1024))
    socket.on('close', closed.resolve)
  })
  announce([]).add({ infoHash: INFO_HASH, left: () => 0, wanted: () => 0 }, [url])
  // 1009, Message Too Big (RFC 6455, 7.4.1)
  expect(await closed.promise).toBe(1009)
})

test('of a flood of offers only a few are answered at a time', async () => {
  const offering = new SimplePeer({ initiator: true, trickle: false, iceCompleteTimeout: 1000 })
  onTestFinished(() => void offering.destroy())
  const offer = await new Promise((resolve) => offering.once('signal', resolve))
  let answers = 0
  const latin1 = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1')
  const url = await runTracker((socket) => {
    socket.once('message', () => {
      for (let n = 0; n < 100; n += 1) {
        const id = n.toString(16).padStart(40, '0')
        const from = { peer_id: latin1(id), offer_id: latin1(id), info_hash: latin1(INFO_HASH) }
        socket.send(JSON.stringify({ action: 'announce', ...from, offer }))
      }
    })
    socket.on('message', (data: Buffer) => {
      if (data.toString().includes('"answer"')) answers += 1
    })
  })
  announce([url]).add({ infoHash: INFO_HASH, left: () => 0, wanted: () => 0 })
  await expect.poll(() => answers, { timeout: 10_000 }).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  expect(answers).toBeLessThanOrEqual(16)
})
