import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Transfer } from '../../../app/contract/index.ts'
import { createTransfersStore } from '../../../renderer/stores/transfers-store.ts'
import { figuresOf, progressOf, stagesOf, transferWords } from '../../../renderer/transfers/transfer-words.ts'
import { createFakeBridge } from '../../support/fake-bridge.ts'
import { fakeTransfer } from '../../support/fake-transfer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const transfer = (patch: Partial<Transfer> = {}): Transfer =>
  fakeTransfer({ id: 'a', name: 'film.mp4', bytesTotal: 1000, createdAtMs: 1, ...patch })

describe('the add drawer', () => {
  it('opens for something new, and leaves by itself when all went well', async () => {
    const bridge = createFakeBridge()
    const { store } = createTransfersStore(bridge)
    bridge.setTransfers([transfer()])
    expect(store.getState()).toMatchObject({ isDrawerOpen: true })
    expect([...store.getState().inDrawer]).toEqual(['a'])
    bridge.setTransfers([transfer({ state: 'done' })])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(store.getState().inDrawer.size).toBe(0)
    expect(store.getState().transfers.size).toBe(1)
  })

  it('keeps what failed until it is put away, and lets go of what went well', async () => {
    const bridge = createFakeBridge()
    const transfers = createTransfersStore(bridge)
    bridge.setTransfers([transfer(), transfer({ id: 'b' })])
    bridge.setTransfers([transfer({ state: 'failed' }), transfer({ id: 'b', state: 'done' })])
    await vi.advanceTimersByTimeAsync(60_000)
    expect([...transfers.store.getState().inDrawer].sort()).toEqual(['a'])
    transfers.putAway()
    expect(transfers.store.getState().inDrawer.size).toBe(0)
  })

  it('does not open for what was over before the window was', async () => {
    const bridge = createFakeBridge({ hasTransfers: true })
    const transfers = createTransfersStore(bridge)
    await transfers.reload()
    expect(transfers.store.getState().inDrawer).toEqual(new Set(['t1', 't2', 't5']))
  })
})

describe('the words of a transfer', () => {
  it('says that nobody offers what is looked for', () => {
    const { text } = transferWords(
      transfer({ kind: 'get', state: 'active', stage: 'find', isUnoffered: true }),
    )
    expect(text).toMatch(/nobody offers it now.*goes on looking/)
  })

  it('says a duplicate is one', () => {
    expect(transferWords(transfer({ state: 'done', isDuplicate: true })).text).toBe(
      'Already in your library (same bytes)',
    )
  })

  it('ends a private add without a seed stage', () => {
    expect(stagesOf(transfer({ accessLevel: 'private' }))).toEqual(['read', 'store'])
    expect(stagesOf(transfer({ accessLevel: 'public' })).at(-1)).toBe('seed')
  })

  it('gives the figures it knows and leaves out the others', () => {
    expect(figuresOf(transfer({ bytesDone: 420, rateBytesPerSec: 2_000, etaMs: 9_000 }))).toBe(
      '42% · 420 bytes of 1 kB · 2 kB/s · 9 sec left',
    )
    const { bytesTotal: _, ...unknownTotal } = transfer()
    expect(figuresOf(unknownTotal)).toBe('')
    expect(progressOf(unknownTotal)).toBeNull()
  })
})
