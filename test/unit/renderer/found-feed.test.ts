import { describe, expect, it, vi } from 'vitest'
import type { FakeOptions } from '../../support/fake-bridge.ts'
import { fakePersonKey } from '../../support/fake-people.ts'
import { createFakeBridge } from '../../support/fake-bridge.ts'
import { createFoundFeed, foundKey } from '../../../renderer/stores/found-feed.ts'

function setUp(options: FakeOptions = {}) {
  const bridge = createFakeBridge({ found: 120, relays: ['wss://relay.example.org/gun'], ...options })
  const feed = createFoundFeed(bridge)
  const state = () => feed.store.getState()
  return {
    bridge,
    feed,
    state,
    searches: () => bridge.calls.filter(({ name }) => name === 'discovery.search'),
  }
}

describe('the feed of what others published', () => {
  it('adds page after page, and no item twice when news moved the pages', async () => {
    const { bridge, feed, state } = setUp()
    await feed.reload()
    expect(state()).toMatchObject({ phase: 'ready', cursor: '50' })
    const [first] = state().items
    const call = bridge.call.bind(bridge)
    vi.spyOn(bridge, 'call').mockImplementation((async (name: string, args: never) => {
      const reply = await call(name as 'discovery.search', args)
      if (reply.ok && first !== undefined) reply.value.items.unshift(first)
      return reply
    }) as typeof bridge.call)
    await Promise.all([feed.more(), feed.more()])
    expect(state().items).toHaveLength(100)
    await feed.more()
    expect(new Set(state().items.map(({ mediaId }) => mediaId)).size).toBe(120)
    expect(state().cursor).toBeUndefined()
  })

  it('keeps what two published of the same bytes apart', async () => {
    const { bridge, feed, state } = setUp()
    await feed.reload()
    const [first] = state().items
    const call = bridge.call.bind(bridge)
    vi.spyOn(bridge, 'call').mockImplementation((async (name: string, args: never) => {
      const reply = await call(name as 'discovery.search', args)
      if (reply.ok && first !== undefined) reply.value.items.push({ ...first, owner: fakePersonKey(99) })
      return reply
    }) as typeof bridge.call)
    await feed.more()
    const twins = state().items.filter(({ mediaId }) => mediaId === first?.mediaId)
    expect(new Set(twins.map(foundKey)).size).toBe(2)
  })

  it('has those counted that are looked at, not again at once, and never what is private', async () => {
    vi.useFakeTimers({ now: Date.now() })
    try {
      const { bridge, feed, state } = setUp()
      await feed.reload()
      const uncounted = state()
        .items.slice(0, 3)
        .map((item) => ({ ...item, copies: { presence: 0 } }))
      const [one, two, secret] = uncounted
      feed.store.setState({ items: uncounted })
      const seen = [one, two, { ...secret, accessLevel: 'private' }] as typeof uncounted
      const counts = () => bridge.calls.filter(({ name }) => name === 'discovery.copies')
      feed.count(seen)
      feed.count(seen)
      await vi.advanceTimersByTimeAsync(1000)
      expect(counts().map(({ args }) => args)).toEqual([{ mediaIds: [one?.mediaId, two?.mediaId] }])
      expect(state().items.map(({ copies }) => copies.presenceAtMs !== undefined)).toEqual([
        true,
        true,
        false,
      ])
      feed.count(seen)
      await vi.advanceTimersByTimeAsync(1000)
      expect(counts()).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('drops the answer to an older question', async () => {
    const { feed, state } = setUp({ delayMs: 20 })
    const all = feed.reload()
    feed.setQuery({ kind: 'audio' })
    await all
    await vi.waitFor(() => expect(state().phase).toBe('ready'))
    expect(state().items.every(({ mime }) => mime.startsWith('audio/'))).toBe(true)
  })

  it('marks what came into the library and what left it', async () => {
    const { bridge, feed, state } = setUp()
    await feed.reload()
    const { mediaId } = state().items[0] ?? {}
    bridge.emit('library.changed', { items: [{ mediaId }], removed: [], isReset: false })
    expect(state().items[0]?.isHeld).toBe(true)
    bridge.emit('library.changed', { items: [], removed: [mediaId], isReset: false })
    expect(state().items[0]?.isHeld).toBe(false)
  })

  it('asks nothing before it is used, and merges a burst of news into one question', async () => {
    vi.useFakeTimers()
    try {
      const { bridge, feed, searches } = setUp()
      bridge.emit('discovery.changed', { mediaIds: [], isReset: true })
      await vi.advanceTimersByTimeAsync(1000)
      expect(searches()).toHaveLength(0)
      await feed.reload()
      for (let i = 0; i < 10; i++) bridge.emit('discovery.changed', { mediaIds: [], isReset: true })
      await vi.advanceTimersByTimeAsync(1000)
      expect(searches()).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('tells of news instead of moving a list that is scrolled, until it is back at its start', async () => {
    vi.useFakeTimers()
    try {
      const { bridge, feed, state, searches } = setUp()
      await feed.reload()
      feed.setAtStart(false)
      bridge.emit('discovery.changed', { mediaIds: [], isReset: true })
      await vi.advanceTimersByTimeAsync(1000)
      expect([state().hasNews, searches().length]).toEqual([true, 1])
      feed.setAtStart(true)
      await vi.advanceTimersByTimeAsync(10)
      expect([state().hasNews, searches().length]).toEqual([false, 2])
    } finally {
      vi.useRealTimers()
    }
  })
})
