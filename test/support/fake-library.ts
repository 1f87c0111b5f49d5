import type { EngineCallName, EngineHandlers, Item, MediaId, Transfer } from '../../app/contract/index.ts'
import { fakeDetail } from './fake-items.ts'
import { refuse } from './fake-vault.ts'

interface FakeLibraryParts {
  readonly items: () => Item[]
  readonly trash: Map<MediaId, Item>
  readonly find: (mediaId: string) => Item | undefined
  readonly changeItems: (change: (item: Item) => Item | null) => void
  readonly addTransfer: (patch: Partial<Transfer>) => string
  readonly transfers: () => readonly Transfer[]
  readonly setTransfers: (transfers: readonly Transfer[]) => void
  readonly patchTransfer: (id: string, patch: Partial<Transfer>) => Promise<Record<string, never>>
  readonly emit: (name: string, payload: unknown) => void
  readonly controlUrl: () => string
}

type LibraryCalls = Extract<EngineCallName, `library.${string}` | `transfers.${string}`>

const isInFilter = (item: Item, filter: string): boolean =>
  filter === 'all' ||
  (filter === 'attention' && ['changed', 'missing', 'offline'].includes(item.state)) ||
  (filter === 'private' ? item.accessLevel !== 'public' : item.accessLevel === filter)

const SORTS = {
  added: (a: Item, b: Item) => a.addedAtMs - b.addedAtMs,
  name: (a: Item, b: Item) => a.name.localeCompare(b.name),
  size: (a: Item, b: Item) => a.sizeBytes - b.sizeBytes,
  uploaded: (a: Item, b: Item) => a.uploadedBytes - b.uploadedBytes,
} as const

/** The stand-in's items and transfers: changed as asked, in memory. */
export function createFakeLibrary(parts: FakeLibraryParts): Pick<EngineHandlers, LibraryCalls> {
  const { items, trash, find, changeItems, addTransfer, transfers, setTransfers, patchTransfer } = parts
  const { emit, controlUrl } = parts
  return {
    'library.list': (args) => {
      const search = args.search?.toLocaleLowerCase() ?? ''
      const matching =
        search === ''
          ? items()
          : items().filter(
              (item) => item.name.toLocaleLowerCase().includes(search) || item.mediaId === search,
            )
      const found = matching.filter((item) => isInFilter(item, args.filter)).sort(SORTS[args.sort])
      if (args.direction === 'desc') found.reverse()
      const count = (filter: string) => matching.filter((item) => isInFilter(item, filter)).length
      return Promise.resolve({
        items: found.slice(args.offset, args.offset + args.limit),
        total: found.length,
        counts: {
          all: matching.length,
          attention: count('attention'),
          public: count('public'),
          private: count('private'),
        },
      })
    },
    'library.position': ({ mediaId, sort, direction }) => {
      const sorted = [...items()].sort(SORTS[sort])
      if (direction === 'desc') sorted.reverse()
      const index = sorted.findIndex((item) => item.mediaId === mediaId)
      return Promise.resolve({ index: index < 0 ? null : index })
    },
    'library.get': ({ mediaId }) => {
      const item = find(mediaId)
      return item === undefined
        ? refuse('NOT_FOUND', 'That item is gone.')
        : Promise.resolve(fakeDetail(item))
    },
    'library.add': ({ paths, accessLevel, isEncrypted, people }) => {
      const transferIds = paths.map((path) =>
        addTransfer({
          name: path.split('/').at(-1) ?? path,
          bytesDone: 4_000_000,
          bytesTotal: 10_000_000,
          etaMs: 6_000,
          accessLevel: people !== undefined && people.length > 0 ? 'shared' : accessLevel,
          isEncrypted: isEncrypted === true,
        }),
      )
      return Promise.resolve({ transferIds })
    },
    'library.remove': ({ mediaIds }) => {
      const gone = new Set<string>(mediaIds)
      for (const item of items()) if (gone.has(item.mediaId)) trash.set(item.mediaId, item)
      changeItems((item) => (gone.has(item.mediaId) ? null : item))
      return Promise.resolve({ removed: mediaIds, restorableUntilMs: Date.now() + 2_592_000_000 })
    },
    'library.restore': ({ mediaIds }) => {
      for (const id of mediaIds) {
        const item = trash.get(id)
        if (item !== undefined) items().push(item)
      }
      emit('library.changed', { items: [], removed: [], isReset: true })
      return Promise.resolve({ restored: mediaIds })
    },
    'library.setSeeding': ({ mediaIds, isSeedingWanted }) => {
      const ids = new Set<string>(mediaIds)
      changeItems((item) =>
        ids.has(item.mediaId)
          ? { ...item, isSeedingWanted, state: isSeedingWanted ? 'seeding' : 'ready', peers: 0 }
          : item,
      )
      return Promise.resolve({})
    },
    'library.setAccess': ({ mediaId, accessLevel }) => {
      changeItems((item) =>
        item.mediaId === mediaId
          ? { ...item, accessLevel, state: accessLevel === 'public' ? 'seeding' : 'ready', peers: 0 }
          : item,
      )
      const item = find(mediaId)
      return item === undefined ? refuse('NOT_FOUND', 'That item is gone.') : Promise.resolve(item)
    },
    'library.verify': ({ mediaIds }) => {
      const ids = new Set<string>(mediaIds)
      changeItems((item) => (ids.has(item.mediaId) ? { ...item, state: 'checking' } : item))
      return Promise.resolve({})
    },
    'library.saveCopy': ({ mediaId }) => {
      const item = find(mediaId)
      if (item === undefined) return refuse('NOT_FOUND', 'That item is gone.')
      const bytesTotal = item.plainSizeBytes ?? item.sizeBytes
      return Promise.resolve({ transferId: addTransfer({ kind: 'save', name: item.name, bytesTotal }) })
    },
    'library.playUrl': (args) => {
      const id = 'mediaId' in args ? args.mediaId : args.transferId
      return Promise.resolve({ url: `${controlUrl()}/play/${id}`, expiresAtMs: Date.now() + 3_600_000 })
    },
    'library.rebuild': () => Promise.resolve({ items: items().length, movedAside: [] }),
    'transfers.list': () => Promise.resolve({ transfers: [...transfers()] }),
    'transfers.pause': ({ id }) => patchTransfer(id, { state: 'paused' }),
    'transfers.resume': ({ id }) => patchTransfer(id, { state: 'active' }),
    'transfers.retry': ({ id }) => patchTransfer(id, { state: 'queued' }),
    'transfers.cancel': ({ id }) => patchTransfer(id, { state: 'cancelled' }),
    'transfers.dismiss': ({ id }) => {
      const isOver = (one: Transfer) => ['done', 'failed', 'cancelled'].includes(one.state)
      setTransfers(transfers().filter((one) => (id === undefined ? !isOver(one) : one.id !== id)))
      return Promise.resolve({})
    },
  }
}
