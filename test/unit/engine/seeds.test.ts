import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MediaId } from '../../../app/contract/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { SeedKeeper } from '../../../app/engine-seeds.ts'
import type { ItemRow } from '../../../app/library/index.ts'

const NOW_MS = 1_000_000

function setUp(holdMs: number, isOwn = true, patch: Partial<ItemRow> = {}) {
  const row: ItemRow = {
    mediaId: MediaId.parse('ab'.repeat(32)),
    name: 'a',
    mime: 'video/mp4',
    sizeBytes: 1,
    protection: 'none',
    sharedWith: [],
    hasConditions: false,
    accessLevel: 'public',
    infoHash: 'cd'.repeat(20),
    isSeedingWanted: true,
    isOwn,
    owner: '',
    createdAt: '',
    addedAtMs: NOW_MS,
    uploadedBytes: 0,
    manifestVersion: 1,
    fileState: 'ok',
    ...patch,
  }
  const rows = new Map<string, ItemRow>([[row.mediaId, row]])
  const told: string[] = []
  const seeds = new SeedKeeper({
    log: silentLog,
    library: { get: (mediaId) => rows.get(mediaId), seeding: () => rows.values() as Generator<ItemRow> },
    folder: {
      paths: () => ({ dir: '', original: '', encrypted: '', manifest: '', manifests: '', metainfo: '' }),
    },
    swarm: {
      seed: ({ infoHash, reach }) =>
        void told.push(`seed ${infoHash.slice(0, 2)}${reach === 'everywhere' ? '' : ` ${reach}`}`),
      unseed: async (infoHash) => void told.push(`unseed ${infoHash.slice(0, 2)}`),
    },
    clock: { nowMs: () => Date.now() },
    holdMs,
  })
  return { seeds, rows, row, told }
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what the swarm is told of the library', () => {
  it('a headless node seeds at once, and once', async () => {
    const { seeds, row, told } = setUp(0)
    await seeds.settle(row.mediaId)
    await seeds.settle(row.mediaId)
    expect(told).toEqual(['seed cd'])
  })

  it('the window tells nobody of an own item while it offers to undo', async () => {
    const { seeds, row, told } = setUp(8000)
    await seeds.settle(row.mediaId)
    await vi.advanceTimersByTimeAsync(7999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual(['seed cd'])
  })

  it('an item removed in that time was never announced', async () => {
    const { seeds, row, rows, told } = setUp(8000)
    await seeds.settle(row.mediaId)
    rows.clear()
    await seeds.settle(row.mediaId)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([])
  })

  it('what was fetched from others, and what was there before, is seeded at once', async () => {
    const fetched = setUp(8000, false)
    await fetched.seeds.settle(fetched.row.mediaId)
    expect(fetched.told).toEqual(['seed cd'])
    vi.setSystemTime(NOW_MS + 8000)
    const old = setUp(8000)
    old.seeds.seedAll()
    expect(old.told).toEqual(['seed cd'])
  })

  it('a clock that was set back holds nothing for longer', async () => {
    const { seeds, row, told } = setUp(8000)
    vi.setSystemTime(NOW_MS - 86_400_000)
    await seeds.settle(row.mediaId)
    await vi.advanceTimersByTimeAsync(8000)
    expect(told).toEqual(['seed cd'])
  })

  it('an item that is no longer to be seeded is taken back', async () => {
    const { seeds, rows, row, told } = setUp(0)
    await seeds.settle(row.mediaId)
    rows.set(row.mediaId, { ...row, isSeedingWanted: false })
    await seeds.settle(row.mediaId)
    expect(told).toEqual(['seed cd', 'unseed cd'])
  })

  it.each([
    ['private', 'readable'],
    ['shared', 'needs-key'],
    ['public', 'locked'],
  ] as const)(
    'ciphertext that is %s and %s goes to trackers only, after the time to undo',
    async (accessLevel, protection) => {
      const { seeds, row, told } = setUp(8000, true, { accessLevel, protection })
      await seeds.settle(row.mediaId)
      await vi.advanceTimersByTimeAsync(7999)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(told).toEqual(['seed cd trackers'])
    },
  )

  it('what is kept back in the clear is told to nobody, whatever torrent it may have', async () => {
    const { seeds, row, told } = setUp(0, true, { accessLevel: 'private' })
    await seeds.settle(row.mediaId)
    seeds.seedAll()
    expect(told).toEqual([])
  })
})
