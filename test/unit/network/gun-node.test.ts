import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeNode } from '../../../app/network/graph.ts'
import { GunDisk } from '../../../app/network/gun-disk.ts'
import { GunGraphNode } from '../../../app/network/gun-node.ts'
import { boundBefore } from '../../../app/network/list-page.ts'
import { souls } from '../../../app/network/souls.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const ITEMS = 700
const idOf = (n: number): string => createHash('sha256').update(String(n)).digest('hex')
let dir: TempDir
let disk: GunDisk
let node: GunGraphNode
beforeEach(async () => {
  dir = await tempDir()
  disk = new GunDisk({
    dir: dir.file('gun'),
    maxBytes: 64 * 1024 * 1024,
    reserveBytes: () => 0,
    onState: () => undefined,
  })
  node = new GunGraphNode({
    disk,
    nowMs: () => Date.now(),
    onHeard: () => undefined,
    onAsked: () => undefined,
    onContested: () => undefined,
  })
})
afterEach(async () => {
  disk.close()
  await dir[Symbol.asyncDispose]()
})

test('a list longer than what stays in memory is whole on the disk, and read in pages', async () => {
  const ids = Array.from({ length: ITEMS }, (_, n) => idOf(n)).toSorted()
  const stored = await Promise.all(
    ids.map((id) => {
      const entry = makeNode(souls.index, { [id]: { '#': souls.hint(id) } }, Date.now())
      return node.put({ [souls.index]: entry }, 5_000)
    }),
  )
  expect(stored.every(({ isStored }) => isStored)).toBe(true)
  const found: string[] = []
  let before: string | undefined
  do {
    const [answer] = await node.page({ soul: souls.index, from: 'disk', before, timeoutMs: 2_000 })
    const page = answer?.graph[souls.index]
    found.push(...Object.keys(page?._['>'] ?? {}))
    before = page && boundBefore(page)
  } while (before !== undefined)
  expect(found.toSorted()).toEqual(ids)
})

test('what is no longer in memory is not put back in time', async () => {
  const soul = souls.hint(idOf(1))
  const nowMs = Date.now()
  await node.put({ [soul]: makeNode(soul, { version: 2 }, nowMs) }, 5_000)
  node.memory.prune(0)
  expect(node.memory.count).toBe(0)
  node.attach('stranger', false, () => undefined)
  node.hear(
    'stranger',
    JSON.stringify({ '#': 'old', put: { [soul]: makeNode(soul, { name: 'x' }, nowMs + 1) } }),
  )
  await node.put({ [soul]: makeNode(soul, { version: 1 }, nowMs - 10) }, 5_000)
  node.memory.prune(0)
  const { answers } = await node.get({ soul, timeoutMs: 2_000, patienceMs: 100 })
  expect(answers[0]?.graph[soul]).toMatchObject({ version: 2, name: 'x' })
})

test('holds little of what is dated into the future until it is due, and takes what is due', async () => {
  node.attach('stranger', false, () => undefined)
  node.attach('other', false, () => undefined)
  const say = (peer: string, soul: string, values: Record<string, string>, states: number[]): number =>
    node.hear(
      peer,
      JSON.stringify({
        '#': soul.slice(-12) + String(states[0]),
        put: {
          [soul]: makeNode(
            soul,
            values,
            Object.fromEntries(Object.keys(values).map((key, index) => [key, states[index] ?? 0])),
          ),
        },
      }),
    )
  const nowMs = Date.now()
  const text = 'x'.repeat(10_000)
  for (let n = 0; n < 1_000; n += 1)
    say('stranger', souls.hint(idOf(n)), { name: text, mime: text }, [nowMs - 1_000, nowMs + 50_000])
  const refused = node.counters['future'] ?? 0
  // Of 20 MB, two.
  expect(refused).toBeGreaterThan(880)
  expect(refused).toBeLessThan(1_000)
  // What was due already is there in any case; and another peer’s clock may go fast.
  say('other', souls.hint(idOf(2_000)), { name: 'soon' }, [nowMs + 1_500])
  await vi.waitFor(
    async () => {
      const read = async (n: number): Promise<unknown> => {
        const soul = souls.hint(idOf(n))
        return (await node.get({ soul, timeoutMs: 2_000, patienceMs: 100 })).answers[0]?.graph[soul]
      }
      expect(await read(999)).toMatchObject({ name: text })
      expect(await read(999)).not.toHaveProperty('mime')
      expect(await read(2_000)).toMatchObject({ name: 'soon' })
    },
    { timeout: 10_000, interval: 200 },
  )
  expect(node.counters['future']).toBe(refused)
})
