import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { RelayStatus } from '../../../app/network/gun-protocol.ts'
import { RelayLink } from '../../../app/network/relay-link.ts'
import { poll } from '../../support/network-world.ts'

test('gives up a relay that takes nothing any more before what it is to be told fills the memory', async () => {
  const relay = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  relay.on('connection', (socket) => socket.pause())
  await once(relay, 'listening')
  const states: RelayStatus[] = []
  let say: ((text: string) => void) | undefined
  let told = 0
  const link = new RelayLink({
    // A TCP server's address is never a string.
    url: `ws://127.0.0.1:${(relay.address() as AddressInfo).port}/gun`,
    nowMs: Date.now,
    onOpen: (opened) => (say = opened),
    onClose: () => (say = undefined),
    onFrame: () => 0,
    onTime: () => undefined,
    onStatus: (status) => states.push(status),
  })
  link.start()
  try {
    await poll(
      () => Promise.resolve(say),
      (opened) => opened !== undefined,
    )
    const text = 'x'.repeat(1024 * 1024)
    // Everything at once, as when ten thousand items are published.
    for (; told < 200; told += 1) say?.(text)
    const given = await poll(
      () => Promise.resolve(states.at(-1)),
      (status) => status?.state === 'waiting',
      5_000,
    )
    expect(given?.error).toBe('It takes nothing any more.')
  } finally {
    link.stop()
    relay.close()
    for (const socket of relay.clients) socket.terminate()
  }
})
