import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLibraryStore, selectItemAt } from '../../../renderer/stores/library-store.ts'
import { createFakeBridge } from '../../support/fake-bridge.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function setUp(items = 1000) {
  const bridge = createFakeBridge({ items })
  const library = createLibraryStore(bridge)
  await library.reload()
  return {
    bridge,
    library,
    state: () => library.store.getState(),
    lists: () => bridge.calls.filter((call) => call.name === 'library.list'),
  }
}

describe('the library store', () => {
  it('asks only for the pages in sight, and each once', async () => {
    const { library, lists, state } = await setUp()
    library.ensureRange(250, 320)
    library.ensureRange(251, 321)
    await vi.advanceTimersByTimeAsync(0)
    expect(lists().map((call) => (call.args as { offset: number }).offset)).toEqual([0, 200, 300])
    expect(selectItemAt(state(), 260)?.name).toBeDefined()
    expect(selectItemAt(state(), 150)).toBeUndefined()
    expect(state().total).toBe(1000)
  })

  it('merges a changed item at once and lists again only when the list may have another shape', async () => {
    const { bridge, state, lists } = await setUp(50)
    const before = lists().length
    const id = bridge.items[0]?.mediaId
    bridge.changeItems((item) => (item.mediaId === id ? { ...item, peers: 99 } : item))
    expect(selectItemAt(state(), 0)?.peers).toBe(99)
    await vi.advanceTimersByTimeAsync(2000)
    expect(lists()).toHaveLength(before)

    bridge.changeItems((item) => (item.mediaId === id ? null : item))
    await vi.advanceTimersByTimeAsync(2000)
    expect(lists()).toHaveLength(before + 1)
    expect(state().total).toBe(49)
    expect(selectItemAt(state(), 0)?.mediaId).not.toBe(id)
  })

  it('shows an item in the whole list, and leaves no search behind', async () => {
    const { bridge, library, state } = await setUp(1000)
    const wanted = bridge.items[700]
    if (wanted === undefined) throw new Error('1000 items were asked for')
    library.setQuery({ search: 'nothing of the kind', filter: 'public' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(state().total).toBe(0)
    expect(await library.show(wanted.mediaId)).toBe(true)
    expect(state().query).toMatchObject({ search: '', filter: 'all' })
    expect([...state().selected]).toEqual([wanted.mediaId])
    expect(state().total).toBe(1000)
    const { index = -1 } = state().reveal ?? {}
    expect(selectItemAt(state(), index)?.mediaId).toBe(wanted.mediaId)
    expect(state().cursor).toBe(index)
    library.setQuery({ search: 'a' })
    expect(state().reveal).toBeNull()
    bridge.changeItems((item) => (item.mediaId === wanted.mediaId ? null : item))
    expect(await library.show(wanted.mediaId)).toBe(false)
  })

  it('shows the only item again when its removal is undone', async () => {
    const { bridge, state, library } = await setUp(1)
    const only = bridge.items[0]
    if (only === undefined) throw new Error('one item was asked for')
    bridge.changeItems(() => null)
    await vi.advanceTimersByTimeAsync(2000)
    library.ensureRange(0, -1)
    expect(state().total).toBe(0)
    bridge.items.push(only)
    bridge.emit('library.changed', { items: [only], removed: [], isReset: false })
    await vi.advanceTimersByTimeAsync(2000)
    expect(selectItemAt(state(), 0)?.mediaId).toBe(only.mediaId)
  })

  it('merges a burst of changes into one new list', async () => {
    const { bridge, lists } = await setUp(50)
    const before = lists().length
    for (let i = 0; i < 20; i++) bridge.emit('library.changed', { items: [], removed: [], isReset: true })
    await vi.advanceTimersByTimeAsync(2000)
    expect(lists()).toHaveLength(before + 1)
  })

  it('drops answers to a query that was changed meanwhile', async () => {
    const { library, state } = await setUp(300)
    library.setQuery({ search: 'harbour' })
    library.setQuery({ search: 'keynote' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(selectItemAt(state(), 0)?.name).toMatch(/^keynote/)
    expect(state().counts.all).toBe(state().total)
  })

  it('selects a range across pages that were not loaded', async () => {
    const { library, state } = await setUp()
    await library.pick(10, 'replace')
    await library.pick(420, 'range')
    expect(state().selected.size).toBe(411)
    await library.pick(5, 'range')
    expect(state().selected.size).toBe(6)
  })

  it('toggles single rows and takes removed items out of the selection', async () => {
    const { bridge, library, state } = await setUp(20)
    await library.pick(0, 'replace')
    await library.pick(2, 'toggle')
    const [first, second] = [...state().selected]
    expect(state().selected.size).toBe(2)
    bridge.changeItems((item) => (item.mediaId === first ? null : item))
    expect([...state().selected]).toEqual([second])
  })

  it('selects all of 10,000 in large pages', async () => {
    const { library, lists, state } = await setUp(10_000)
    const before = lists().length
    await library.selectAll()
    expect(state().selected.size).toBe(10_000)
    expect(lists().length - before).toBe(20)
  })

  it('says why the list could not be had and recovers', async () => {
    const { bridge, library, state } = await setUp(0)
    bridge.failWith('library.list', { code: 'UNAVAILABLE', message: 'Not now.' })
    const fresh = createLibraryStore(bridge)
    await fresh.reload()
    expect(fresh.store.getState()).toMatchObject({ phase: 'failed', error: { message: 'Not now.' } })
    bridge.failWith('library.list', null)
    await fresh.reload()
    expect(fresh.store.getState().phase).toBe('ready')
    fresh.dispose()
    library.dispose()
    expect(state().phase).toBe('ready')
  })
})
