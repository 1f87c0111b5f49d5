import { expect, onTestFinished, test, vi } from 'vitest'
import { OwnWatch } from '../../../app/network/own-watch.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { makeManifest } from '../../support/network-items.ts'
import { testSigner } from '../manifest/owner.ts'

test('looks after 10,000 items in nine minutes, evenly, and not again when a relay comes and goes', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const manifest = makeManifest(testSigner(1), 'film')
  const ids = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(64, '0'))
  const asked: string[] = []
  let told = 0
  let relays: readonly object[] = []
  const watch = new OwnWatch({
    client: {
      isRunning: true,
      status: () => ({ relays }) as never,
      post: () => void (told += 1),
      get: ({ soul }) => {
        asked.push(JSON.stringify(soul))
        return Promise.resolve([])
      },
    },
    items: {
      manifest: (id) => Promise.resolve({ ...manifest, id }),
      own: () => ids.map((mediaId) => ({ mediaId, version: 1 })),
    },
    publications: { toldAt: (mediaId) => (mediaId === ids[0] ? undefined : 1_000) },
    signer: () => undefined,
    log,
  })
  onTestFinished(() => watch.stop())
  watch.begin()
  // Those who come by write also while no relay is there.
  await vi.advanceTimersByTimeAsync(10_000)
  expect([told, asked.length]).toEqual([199, 0])
  relays = [{ state: 'open' }]
  watch.relayOpened()
  for (let minute = 1; minute <= 9; minute += 1) {
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.length).toBeLessThanOrEqual(minute * 1_200)
    watch.relayOpened()
  }
  // What is to be said anew is written, and known by that.
  expect(new Set(asked).size).toBe(9_999)
  expect(asked).toHaveLength(9_999)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toHaveLength(9_999)
})
