import './zod-without-jit.ts'
import { engineCalls } from '../../app/contract/index.ts'
import type {
  DesktopHandlers,
  DesktopPrefs,
  EngineCallName,
  EngineHandlers,
  EngineState,
  Item,
  MediaId,
  Reply,
  SowerBridge,
  Transfer,
  WalletStatus,
} from '../../app/contract/index.ts'
import { fakeDetail, fakeItems, fakeSettings, fakeStatus, fakeTransfers } from './fake-items.ts'
import { createFakeNetwork, fakeNetworkStatus } from './fake-discovery.ts'
import { createFakeVault, refuse } from './fake-vault.ts'

export interface FakeOptions {
  readonly items?: number
  readonly hasTransfers?: boolean
  /** How many people are known. */
  readonly contacts?: number
  /** How many items others published, and how many of five publishers are followed. */
  readonly found?: number
  readonly following?: number
  readonly relays?: readonly string[]
  readonly wallet?: Partial<WalletStatus>
  /** What `desktop.openText` reads. */
  readonly openedText?: string | null
  readonly engine?: EngineState
  readonly prefs?: Partial<DesktopPrefs>
  readonly platform?: SowerBridge['platform']
  /** How long every answer takes. */
  readonly delayMs?: number
  /** Names of calls that fail, with the error they fail with. */
  readonly failing?: Readonly<Record<string, { code: string; message: string; hint?: string }>>
  /** Pretend that a file of this MIME type comes first. */
  readonly firstMime?: string
}

export interface FakeBridge extends SowerBridge {
  /** Every call so far, oldest first. */
  readonly calls: { readonly name: string; readonly args: unknown }[]
  readonly items: Item[]
  emit(name: string, payload: unknown): void
  /** Changes items and tells about it, as the engine does. */
  changeItems(change: (item: Item) => Item | null): void
  setTransfers(transfers: readonly Transfer[]): void
  failWith(name: string, error: { code: string; message: string; hint?: string } | null): void
}

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

/**
 * A stand-in for the preload's bridge, typed by the contract: it keeps a made-up library in memory and answers as the
 * engine would. Nothing behind it is real.
 */
export function createFakeBridge(options: FakeOptions = {}): FakeBridge {
  const nowMs = Date.now()
  let items = fakeItems(options.items ?? 0, nowMs)
  const [first] = items
  if (first !== undefined && options.firstMime !== undefined) items[0] = { ...first, mime: options.firstMime }
  let transfers = new Map(
    options.hasTransfers === true ? fakeTransfers(nowMs, items).map((one) => [one.id, one]) : [],
  )
  let status = fakeStatus(nowMs, items)
  status = { ...status, wallet: { ...status.wallet, ...options.wallet } }
  const relays = [...(options.relays ?? [])]
  status = { ...status, network: fakeNetworkStatus(relays, nowMs) }
  let settings = fakeSettings()
  settings = { ...settings, values: { ...settings.values, gunPeers: relays } }
  let prefs: DesktopPrefs = { theme: 'auto', closeAction: 'ask', isStartAtLogin: false, ...options.prefs }
  let engine: EngineState = options.engine ?? { state: 'running', restarts: 0 }
  const trash = new Map<MediaId, Item>()
  const failing = new Map(Object.entries(options.failing ?? {}))
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const calls: { name: string; args: unknown }[] = []
  let nextTransfer = 1

  const emit = (name: string, payload: unknown) => {
    for (const listener of listeners.get(name) ?? []) listener(payload)
  }
  const changeItems: FakeBridge['changeItems'] = (change) => {
    const changed: Item[] = []
    const removed: MediaId[] = []
    items = items.flatMap((item) => {
      const next = change(item)
      if (next === null) removed.push(item.mediaId)
      else if (next !== item) changed.push(next)
      return next === null ? [] : [next]
    })
    const isReset = changed.length > 200
    emit('library.changed', { items: isReset ? [] : changed, removed: isReset ? [] : removed, isReset })
  }
  const setTransfers: FakeBridge['setTransfers'] = (next) => {
    const removed = [...transfers.keys()].filter((id) => !next.some((one) => one.id === id))
    transfers = new Map(next.map((one) => [one.id, one]))
    emit('transfers.changed', { transfers: next, removed })
  }
  const patchTransfer = (id: string, patch: Partial<Transfer>) => {
    setTransfers([...transfers.values()].map((one) => (one.id === id ? { ...one, ...patch } : one)))
    return Promise.resolve({})
  }
  const find = (mediaId: string) => items.find((item) => item.mediaId === mediaId)
  const setWallet = (patch: Partial<WalletStatus>): WalletStatus => {
    status = { ...status, wallet: { ...status.wallet, ...patch } }
    emit('node.changed', status)
    return status.wallet
  }
  const addTransfer = (patch: Partial<Transfer>): string => {
    const id = `${patch.kind ?? 'add'}-${nextTransfer++}`
    const blank: Transfer = {
      id,
      kind: 'add',
      name: '',
      state: 'active',
      stage: 'read',
      bytesDone: 0,
      rateBytesPerSec: 1_000_000,
      createdAtMs: Date.now(),
      isEncrypted: false,
      isPlayable: false,
      isUnoffered: false,
      isDuplicate: false,
      isLinked: false,
      priority: 'normal',
      sources: [],
    }
    setTransfers([...transfers.values(), { ...blank, ...patch }])
    return id
  }

  const engineHandlers: EngineHandlers = {
    'library.list': (args) => {
      const search = args.search?.toLocaleLowerCase() ?? ''
      const matching =
        search === ''
          ? items
          : items.filter((item) => item.name.toLocaleLowerCase().includes(search) || item.mediaId === search)
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
      const sorted = [...items].sort(SORTS[sort])
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
      for (const item of items) if (gone.has(item.mediaId)) trash.set(item.mediaId, item)
      changeItems((item) => (gone.has(item.mediaId) ? null : item))
      return Promise.resolve({ removed: mediaIds, restorableUntilMs: Date.now() + 2_592_000_000 })
    },
    'library.restore': ({ mediaIds }) => {
      for (const id of mediaIds) {
        const item = trash.get(id)
        if (item !== undefined) items.push(item)
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
      return Promise.resolve({ url: `${status.controlUrl}/play/${id}`, expiresAtMs: Date.now() + 3_600_000 })
    },
    'library.rebuild': () => Promise.resolve({ items: items.length, movedAside: [] }),
    'transfers.list': () => Promise.resolve({ transfers: [...transfers.values()] }),
    'transfers.pause': ({ id }) => patchTransfer(id, { state: 'paused' }),
    'transfers.resume': ({ id }) => patchTransfer(id, { state: 'active' }),
    'transfers.retry': ({ id }) => patchTransfer(id, { state: 'queued' }),
    'transfers.cancel': ({ id }) => patchTransfer(id, { state: 'cancelled' }),
    'transfers.dismiss': ({ id }) => {
      const isOver = (one: Transfer) => ['done', 'failed', 'cancelled'].includes(one.state)
      setTransfers([...transfers.values()].filter((one) => (id === undefined ? !isOver(one) : one.id !== id)))
      return Promise.resolve({})
    },
    'fetching.start': ({ link }) => {
      const mediaId = /[0-9a-f]{64}/.exec(link)?.[0]
      const transferId = addTransfer({
        kind: 'get',
        ...(mediaId === undefined ? {} : { mediaId: mediaId as MediaId }),
        name: link.slice(0, 40),
        stage: 'find',
        rateBytesPerSec: 0,
        sources: [{ kind: 'torrent', label: 'swarm', state: 'connecting', bytes: 0 }],
      })
      return Promise.resolve({ transferId })
    },
    'fetching.inspect': ({ link }) => {
      if (!/^(sower:|magnet:|https?:|[0-9a-f]{40,64}$)/.test(link)) {
        return refuse('LINK_INVALID', 'It starts like no kind of link that Sower can fetch.')
      }
      const held = items.find((item) => link.includes(item.mediaId))
      return Promise.resolve({
        kind: link.startsWith('magnet:') ? 'magnet' : link.startsWith('http') ? 'http' : 'sower',
        name: held?.name ?? 'Lecture 08 – Estuaries.webm',
        mediaId: held?.mediaId ?? ('c4'.repeat(32) as MediaId),
        trackers: ['wss://tracker.openwebtorrent.com', 'wss://tracker.example.org'],
        webSources: ['https://media.example.org'],
        isHeld: held !== undefined,
        isEncrypted: link.includes('enc=1'),
        hasKey: link.includes('#k='),
      })
    },
    'fetching.setPriority': ({ id, priority }) => patchTransfer(id, { priority }),
    ...createFakeNetwork({
      found: options.found ?? 0,
      following: options.following ?? 0,
      emit: (name, payload) => emit(name, payload),
      held: () => items,
      hasRelay: () => settings.values.gunPeers.length > 0,
    }),
    'sharing.link': ({ mediaId, withKey, expiresAtMs }) => {
      const item = find(mediaId)
      if (item === undefined) return refuse('NOT_FOUND', 'That item is gone.')
      const { link, magnetURI } = fakeDetail(item)
      const hasKey = withKey && item.protection === 'readable'
      const expiry = expiresAtMs === undefined ? '' : `&exp=${Math.floor(expiresAtMs / 1000)}`
      return Promise.resolve({
        link: `${link}${expiry}${hasKey ? `#k=${'A'.repeat(43)}` : ''}`,
        ...(magnetURI === undefined ? {} : { magnetURI }),
        httpUrl: `${status.url}/media/${mediaId}`,
        hasKey,
      })
    },
    ...createFakeVault({
      contacts: options.contacts ?? 0,
      emit: (name, payload) => emit(name, payload),
      wallet: () => status.wallet,
      setWallet,
      find,
      changeItems: (change) => changeItems(change),
      addTransfer,
      items: () => items,
    }),
    'seeding.pause': () => setPaused(true),
    'seeding.resume': () => setPaused(false),
    'vault.token': () => Promise.resolve({ token: 'not-a-real-token', expiresAtMs: Date.now() + 3_600_000 }),
    'settings.get': () => Promise.resolve(settings),
    'settings.set': (patch) => {
      const needsRestart = ['mediaDir', 'peerPort', 'port'].filter((name) => name in patch)
      settings = {
        ...settings,
        values: { ...settings.values, ...definedOf(patch) },
        needsRestart: [...new Set([...settings.needsRestart, ...needsRestart])],
      }
      emit('settings.changed', settings)
      if (patch.gunPeers !== undefined) {
        status = { ...status, network: fakeNetworkStatus(patch.gunPeers, nowMs) }
        emit('node.changed', status)
      }
      return Promise.resolve(settings)
    },
    'node.status': () => Promise.resolve(status),
    'node.dismissNotice': ({ id }) => {
      status = { ...status, notices: status.notices.filter((notice) => notice.id !== id) }
      emit('node.changed', status)
      return Promise.resolve({})
    },
  }

  function setPaused(isPaused: boolean) {
    status = {
      ...status,
      seeding: { ...status.seeding, isPaused, uploadRateBytesPerSec: 0, downloadRateBytesPerSec: 0 },
    }
    emit('node.changed', status)
    changeItems((item) =>
      item.accessLevel === 'public' && item.isSeedingWanted
        ? { ...item, state: isPaused ? 'paused' : 'seeding', peers: 0 }
        : item,
    )
    return Promise.resolve({})
  }

  const desktopHandlers: DesktopHandlers = {
    'desktop.pickFiles': () => Promise.resolve({ paths: ['/home/ana/film.mp4', '/home/ana/notes.md'] }),
    'desktop.pickFolder': () => Promise.resolve({ path: '/mnt/films/Sower' }),
    'desktop.pickSavePath': ({ suggestedName }) => Promise.resolve({ path: `/home/ana/${suggestedName}` }),
    'desktop.saveText': () => Promise.resolve({ isSaved: true }),
    'desktop.openText': () => Promise.resolve({ text: options.openedText ?? null }),
    'desktop.showItem': () => Promise.resolve({}),
    'desktop.openLogs': () => Promise.resolve({}),
    'desktop.openExternal': () => Promise.resolve({}),
    'desktop.copyText': () => Promise.resolve({}),
    'desktop.readClipboardText': () => Promise.resolve({ text: '' }),
    'desktop.getPrefs': () => Promise.resolve(prefs),
    'desktop.setPrefs': (patch) => {
      prefs = { ...prefs, ...definedOf(patch) }
      emit('desktop.prefsChanged', prefs)
      return Promise.resolve(prefs)
    },
    'desktop.engineState': () => Promise.resolve(engine),
    'desktop.restartEngine': () => {
      engine = { state: 'running', restarts: engine.restarts + 1 }
      emit('desktop.engineChanged', engine)
      return Promise.resolve({})
    },
    'desktop.closeWindow': () => Promise.resolve({}),
  }

  const handlers: Readonly<Record<string, (args: never) => Promise<unknown>>> = {
    ...engineHandlers,
    ...desktopHandlers,
  }
  const call = async (name: string, args: object): Promise<Reply<unknown>> => {
    calls.push({ name, args })
    if (options.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.delayMs))
    const failure = failing.get(name)
    // The codes are the tests' own; they are checked where they are shown.
    if (failure !== undefined) return { ok: false, error: failure as never }
    try {
      // The table pairs each name with the handler of its arguments; what the engine would refuse is a test's mistake.
      const schema = Object.hasOwn(engineCalls, name) ? engineCalls[name as EngineCallName].args : undefined
      const parsed = schema === undefined ? args : schema.parse(args)
      return { ok: true, value: structuredClone(await handlers[name]?.(parsed as never)) }
    } catch (error) {
      const { code, message, details } = error as { code: never; message: string; details?: object }
      return { ok: false, error: { code, message, ...(details === undefined ? {} : { details }) } as never }
    }
  }
  return {
    call: call as SowerBridge['call'],
    on: ((name: string, listener: (payload: unknown) => void) => {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener)
      return () => void set.delete(listener)
    }) as SowerBridge['on'],
    pathForFile: (file) => ('name' in file && typeof file.name === 'string' ? `/home/ana/${file.name}` : ''),
    mediaUrl: (mediaId) => {
      const item = find(mediaId) ?? trash.get(mediaId as MediaId)
      return `media/${item?.mime.replace('/', '-') ?? 'none'}`
    },
    transferUrl: (transferId) => (transfers.has(transferId) ? 'media/video-webm' : 'media/none'),
    platform: options.platform ?? 'linux',
    calls,
    get items() {
      return items
    },
    emit: (name, payload) => {
      if (name === 'desktop.engineChanged') engine = payload as EngineState
      if (name === 'node.changed') status = payload as typeof status
      emit(name, payload)
    },
    changeItems,
    setTransfers,
    failWith: (name, error) => void (error === null ? failing.delete(name) : failing.set(name, error)),
  }
}

/** Without the keys that are there but undefined. */
function definedOf<T extends object>(patch: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as never
}
