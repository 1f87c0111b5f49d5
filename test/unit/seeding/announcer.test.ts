import { expect, onTestFinished, test } from 'vitest'
import { Announcer } from '../../../app/seeding/trackers/announcer.ts'

/** Nothing listens there: nobody hears of anything. */
const TRACKER = 'ws://127.0.0.1:9'

test('a tracker that settings and a link spell differently is one, with one connection', () => {
  const announcer = new Announcer([TRACKER, `${TRACKER}/`], {
    peerId: 'ab'.repeat(20),
    peerPort: () => 6881,
    nowMs: () => Date.now(),
    onPeers: () => undefined,
    onSeeds: () => undefined,
    onChange: () => undefined,
    iceServers: undefined,
    takeWebrtc: () => Promise.resolve(false),
  })
  onTestFinished(() => announcer.close())
  const urls = (): string[] => announcer.statuses().map(({ url }) => url)
  const announced = { infoHash: 'cd'.repeat(20), left: () => 1, wanted: () => 5 }
  announcer.add(announced, [`${TRACKER}/`, 'http://127.0.0.1:9/announce', 'HTTP://127.0.0.1:9/announce'])
  expect(urls()).toEqual([TRACKER, 'http://127.0.0.1:9/announce'])
  announcer.setTrackers([`${TRACKER}/`])
  expect(urls()).toEqual([TRACKER, 'http://127.0.0.1:9/announce'])
  announcer.remove(announced.infoHash)
  expect(urls()).toEqual([TRACKER])
})
