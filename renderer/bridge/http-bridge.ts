import type { DesktopPrefs, EngineState, ErrorShape, Reply, SowerBridge } from '../../app/contract/index.ts'
import { readEvents } from './event-stream.ts'

export interface HttpBridgeParts {
  readonly baseUrl: string
  readonly token: string | null
  readonly fetch: typeof fetch
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>
  readonly clipboard: Pick<Clipboard, 'writeText' | 'readText'> | undefined
  readonly open: (url: string) => void
  /** Lets the user choose a small text file; `null` when they thought better of it. */
  readonly pickText: () => Promise<string | null>
  /** Downloads a small text under a name. */
  readonly saveText: (name: string, text: string) => void
  /** Waits before the event stream is asked for again. */
  readonly delay?: (ms: number) => Promise<void>
}

const TOKEN_KEY = 'sower.token'
const PREFS_KEY = 'sower.prefs'
const RETRY_FIRST_MS = 500
const RETRY_LONGEST_MS = 10_000

/** Moves `#token=…` out of the address into this tab's session, so that it is in no history and no screenshot. */
export function takeToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
  session: Pick<Storage, 'getItem' | 'setItem'>,
): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given !== null && given !== '') {
    session.setItem(TOKEN_KEY, given)
    history.replaceState(null, '', location.pathname + location.search)
    return given
  }
  return session.getItem(TOKEN_KEY)
}

const failure = (error: ErrorShape): Reply<never> => ({ ok: false, error })
const NOT_HERE = failure({
  code: 'UNAVAILABLE',
  message: 'A browser can’t do this. It works in the Sower window on the node’s own machine.',
})
const NOT_RUNNING: ErrorShape = {
  code: 'NODE_NOT_RUNNING',
  message: 'The node does not answer. Its media are untouched.',
}
const NO_TOKEN: ErrorShape = {
  code: 'UNAUTHORIZED',
  message: 'This page has no access token, or the node has made a new one.',
  hint: 'Open the address that the node printed when it started; it ends in #token=…',
}
const DEFAULT_PREFS: DesktopPrefs = { theme: 'auto', closeAction: 'quit', isStartAtLogin: false }

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** The same bridge as the preload's, over the control listener: one POST per call, one event stream for all events. */
export function createHttpBridge(parts: HttpBridgeParts): SowerBridge {
  const { baseUrl, token } = parts
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const emit = (name: string, payload: unknown) => {
    for (const listener of listeners.get(name) ?? []) listener(payload)
  }
  const delay = parts.delay ?? ((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)))
  let engine: EngineState =
    token === null
      ? { state: 'failed', restarts: 0, error: NO_TOKEN, fix: 'retry' }
      : { state: 'starting', restarts: 0 }
  let isFollowing = false

  const setEngine = (next: EngineState) => {
    engine = next
    emit('desktop.engineChanged', next)
  }
  const request = (path: string, init: Omit<RequestInit, 'headers'> & { headers: Record<string, string> }) =>
    parts.fetch(baseUrl + path, {
      ...init,
      credentials: 'omit',
      headers: { ...init.headers, authorization: `Bearer ${token ?? ''}` },
    })

  const mediaPaths = new Map<string, { readonly path: string; readonly endsAtMs: number }>()
  /** Addresses of downloads that can be watched, as `library.playUrl` gave them. */
  const playUrls = new Map<string, string>()

  /** Players can't send a header: each opened item gets a signed address that ends by itself. */
  async function signMedia(mediaId: string): Promise<void> {
    const known = mediaPaths.get(mediaId)
    if (known !== undefined && known.endsAtMs > Date.now()) return
    try {
      const response = await request(`/media/${mediaId}/ticket`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      const body: unknown = await response.json()
      if (!response.ok || !isRecord(body) || typeof body['path'] !== 'string') return
      const lifeMs = typeof body['expiresInMs'] === 'number' ? body['expiresInMs'] : 0
      mediaPaths.set(mediaId, { path: body['path'], endsAtMs: Date.now() + lifeMs / 2 })
    } catch {
      // Without an address there is no preview; everything else works.
    }
  }

  async function rpc(name: string, args: unknown): Promise<Reply<unknown>> {
    try {
      const response = await request(`/rpc/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(args),
      })
      const body: unknown = await response.json()
      if (!isRecord(body)) return failure(NOT_RUNNING)
      if (body['ok'] === true) return { ok: true, value: body['value'] }
      const shape = isRecord(body['error']) ? body['error'] : body
      const text = [shape['message'], shape['detail'], response.statusText].find(
        (one): one is string => typeof one === 'string',
      )
      return failure({
        // Unknown codes have no words of their own; the message is shown then.
        code: (typeof shape['code'] === 'string' ? shape['code'] : 'INTERNAL') as ErrorShape['code'],
        message: text ?? NOT_RUNNING.message,
        ...(typeof shape['hint'] === 'string' ? { hint: shape['hint'] } : {}),
        ...(isRecord(shape['details']) ? { details: shape['details'] } : {}),
      })
    } catch {
      return failure(NOT_RUNNING)
    }
  }

  async function follow(): Promise<void> {
    if (isFollowing || token === null) return
    isFollowing = true
    let waitMs = RETRY_FIRST_MS
    for (;;) {
      try {
        const response = await request('/events', { headers: { accept: 'text/event-stream' } })
        if (response.status === 401 || response.status === 403) {
          isFollowing = false
          return setEngine({ state: 'failed', restarts: engine.restarts, error: NO_TOKEN, fix: 'retry' })
        }
        if (response.ok && response.body !== null) {
          waitMs = RETRY_FIRST_MS
          setEngine({ state: 'running', restarts: engine.restarts })
          for await (const { event, data } of readEvents(response.body)) dispatch(event, data)
        }
      } catch {
        // Not reachable now; said below and tried again.
      }
      setEngine({ state: 'restarting', restarts: engine.restarts + (engine.state === 'running' ? 1 : 0) })
      await delay(waitMs)
      waitMs = Math.min(RETRY_LONGEST_MS, waitMs * 2)
    }
  }

  function dispatch(event: string, data: string): void {
    try {
      const payload: unknown = JSON.parse(data)
      if (event !== 'message') emit(event, payload)
      else if (isRecord(payload) && typeof payload['name'] === 'string')
        emit(payload['name'], payload['payload'])
    } catch {
      // A line that is not JSON is not one of ours.
    }
  }

  const readPrefs = (): DesktopPrefs => {
    try {
      const kept: unknown = JSON.parse(parts.storage.getItem(PREFS_KEY) ?? '{}')
      const theme = isRecord(kept) ? kept['theme'] : undefined
      return theme === 'light' || theme === 'dark' ? { ...DEFAULT_PREFS, theme } : DEFAULT_PREFS
    } catch {
      return DEFAULT_PREFS
    }
  }

  async function desktop(name: string, args: Record<string, unknown>): Promise<Reply<unknown>> {
    switch (name) {
      case 'desktop.engineState':
      case 'desktop.restartEngine':
        void follow()
        return { ok: true, value: name === 'desktop.engineState' ? engine : {} }
      case 'desktop.getPrefs':
        return { ok: true, value: readPrefs() }
      case 'desktop.setPrefs': {
        const prefs = { ...readPrefs(), ...args }
        parts.storage.setItem(PREFS_KEY, JSON.stringify(prefs))
        emit('desktop.prefsChanged', prefs)
        return { ok: true, value: prefs }
      }
      case 'desktop.copyText':
      case 'desktop.readClipboardText':
        try {
          if (parts.clipboard === undefined) return NOT_HERE
          if (name === 'desktop.copyText') {
            await parts.clipboard.writeText(String(args['text']))
            return { ok: true, value: {} }
          }
          return { ok: true, value: { text: await parts.clipboard.readText() } }
        } catch {
          return failure({
            code: 'FORBIDDEN',
            message: 'The browser did not allow the clipboard to be used.',
          })
        }
      case 'desktop.openText':
        return { ok: true, value: { text: await parts.pickText() } }
      case 'desktop.saveText':
        parts.saveText(String(args['suggestedName']), String(args['text']))
        return { ok: true, value: { isSaved: true } }
      case 'desktop.openExternal':
        parts.open(String(args['url']))
        return { ok: true, value: {} }
      default:
        return NOT_HERE
    }
  }

  const call = async (name: string, args: Record<string, unknown>): Promise<Reply<unknown>> => {
    if (name.startsWith('desktop.')) return desktop(name, args)
    const reply = await rpc(name, args)
    if (name === 'library.get' && reply.ok) await signMedia(String(args['mediaId']))
    const { transferId } = args
    if (name === 'library.playUrl' && typeof transferId === 'string' && reply.ok && isRecord(reply.value)) {
      playUrls.set(transferId, String(reply.value['url']))
    }
    return reply
  }
  const on = (name: string, listener: (payload: unknown) => void) => {
    const set = listeners.get(name) ?? new Set()
    listeners.set(name, set)
    set.add(listener)
    return () => void set.delete(listener)
  }
  return {
    // The node validates every answer and event against the contract before it sends them.
    call: call as SowerBridge['call'],
    on: on as SowerBridge['on'],
    pathForFile: () => '',
    mediaUrl: (mediaId) => {
      const signed = mediaPaths.get(mediaId)
      return signed === undefined ? '' : baseUrl + signed.path
    },
    transferUrl: (transferId) => playUrls.get(transferId) ?? '',
    platform: 'browser',
  }
}
