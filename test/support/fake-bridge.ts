import './zod-without-jit.ts'
import { engineCalls } from '../../app/contract/index.ts'
import type {
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
import { createFakeDesktop, definedOf } from './fake-desktop.ts'
import { createFakeLibrary } from './fake-library.ts'
import { fakeDetail, fakeItems, fakeSettings, fakeStatus, fakeTransfers } from './fake-items.ts'
import { fakeTransfer } from './fake-transfer.ts'
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
    const begun = fakeTransfer({ id, rateBytesPerSec: 1_000_000, createdAtMs: Date.now(), ...patch })
    setTransfers([...transfers.values(), begun])
    return id
  }

  const engineHandlers: EngineHandlers = {
    ...createFakeLibrary({
      items: () => items,
      trash,
      find,
      changeItems: (change) => changeItems(change),
      addTransfer,
      transfers: () => [...transfers.values()],
      setTransfers: (next) => setTransfers(next),
      patchTransfer,
      emit: (name, payload) => emit(name, payload),
      controlUrl: () => status.controlUrl,
    }),
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

  const desktopHandlers = createFakeDesktop({
    openedText: options.openedText ?? null,
    prefs: { theme: 'auto', closeAction: 'ask', isStartAtLogin: false, ...options.prefs },
    engine: () => engine,
    setEngine: (next) => {
      engine = next
      emit('desktop.engineChanged', engine)
    },
    emit: (name, payload) => emit(name, payload),
  })

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
