import { expect, test } from 'vitest'
import type { Answer } from '../../../app/network/gun-protocol.ts'
import { RelayGraph } from '../../../app/network/relay-graph.ts'

test('asks the network no more at once than it can take, whoever asks, and goes on afterwards', async () => {
  const open: (() => void)[] = []
  const graph = new RelayGraph({
    client: {
      get: () => new Promise<readonly Answer[]>((resolve) => open.push(() => resolve([]))),
      put: () => Promise.resolve({ isStored: true, relays: [] }),
    },
    // Neither is asked for a soul that nobody has.
    index: {} as never,
    store: {} as never,
    presence: { asked: () => undefined },
    nodeId: 'a'.repeat(40),
    onKept: () => undefined,
    clock: { nowMs: () => 1 } as never,
  })
  const reader = { mayRead: () => true, held: () => undefined }
  const get = (): Promise<unknown> => graph.get(`media:${'a'.repeat(64)}`, reader)
  const waiting = Array.from({ length: 128 }, get)
  await expect(get()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  for (const answer of open.splice(0)) answer()
  await Promise.all(waiting)
  const next = get()
  for (const answer of open.splice(0)) answer()
  expect(await next).toBeUndefined()
})
