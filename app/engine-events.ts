import type {
  Contact,
  EngineEventName,
  EngineEventPayload,
  Item,
  MediaId,
  NodeStatus,
  Notice,
  Publisher,
  SettingsView,
  Transfer,
} from './contract/index.ts'
import type { Log } from './ports/log.ts'

/** Bursts are merged into at most four messages a second. */
const MERGE_MS = 250
/** Past this many changed items, listeners are told to list again instead. */
const MOST_ITEMS = 200

type Listener<N extends EngineEventName> = (payload: EngineEventPayload<N>) => void

interface EventSources {
  /** The item as it is now; undefined when it is gone. */
  readonly item: (mediaId: string) => Item | undefined
  readonly transfer: (id: string) => Transfer | undefined
  readonly node: () => NodeStatus
  readonly log: Log
}

/** What the engine tells the window, the web page and the CLI: current state, merged, never one message per piece. */
export class EngineEvents {
  readonly #sources: EventSources
  readonly #listeners = new Map<EngineEventName, Set<Listener<EngineEventName>>>()
  readonly #items = new Set<string>()
  readonly #transfers = new Set<string>()
  readonly #found = new Set<string>()
  #isNodeChanged = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(sources: EventSources) {
    this.#sources = sources
  }

  /** @returns stops listening */
  on<N extends EngineEventName>(name: N, listener: Listener<N>): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    // The map holds listeners of all names; each is only ever given its own name's payload.
    const entry = listener as Listener<EngineEventName>
    this.#listeners.set(name, set.add(entry))
    return () => set.delete(entry)
  }

  itemsChanged(mediaIds: Iterable<string>): void {
    if (this.#listeners.size === 0) return
    for (const id of mediaIds) this.#items.add(id)
    this.#schedule()
  }

  transferChanged(id: string): void {
    if (this.#listeners.size === 0) return
    this.#transfers.add(id)
    this.#schedule()
  }

  /** What can be found is more, less or different. */
  discoveryChanged(mediaIds: Iterable<string>): void {
    if (this.#listeners.size === 0) return
    for (const id of mediaIds) this.#found.add(id)
    this.#schedule()
  }

  nodeChanged(): void {
    this.#isNodeChanged = true
    this.#schedule()
  }

  settingsChanged(view: SettingsView): void {
    this.#emit('settings.changed', view)
  }

  contactsChanged(contacts: Contact[]): void {
    this.#emit('contacts.changed', { contacts })
  }

  followingChanged(publishers: Publisher[]): void {
    this.#emit('following.changed', { publishers })
  }

  notice(notice: Notice): void {
    this.#emit('node.notice', notice)
    this.nodeChanged()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#listeners.clear()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      try {
        this.#flush()
      } catch (error) {
        // A database that can't be read just now, say: whoever listens hears of the next change.
        this.#sources.log.error('events.untold', { error })
      }
    }, MERGE_MS)
  }

  #flush(): void {
    if (this.#items.size > MOST_ITEMS)
      this.#emit('library.changed', { items: [], removed: [], isReset: true })
    else if (this.#items.size > 0) {
      const { found, gone } = partition(this.#items, this.#sources.item)
      // Ids of rows the library named itself.
      this.#emit('library.changed', { items: found, removed: gone as MediaId[], isReset: false })
    }
    this.#items.clear()
    if (this.#transfers.size > 0) {
      const { found, gone } = partition(this.#transfers, this.#sources.transfer)
      this.#emit('transfers.changed', { transfers: found, removed: gone })
      this.#transfers.clear()
    }
    if (this.#found.size > 0) {
      const isReset = this.#found.size > MOST_ITEMS
      // Ids out of verified manifests.
      this.#emit('discovery.changed', { mediaIds: isReset ? [] : ([...this.#found] as MediaId[]), isReset })
      this.#found.clear()
    }
    if (this.#isNodeChanged) {
      this.#isNodeChanged = false
      this.#emit('node.changed', this.#sources.node())
    }
  }

  #emit<N extends EngineEventName>(name: N, payload: EngineEventPayload<N>): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(payload)
  }
}

function partition<T>(
  ids: Iterable<string>,
  find: (id: string) => T | undefined,
): { found: T[]; gone: string[] } {
  const found: T[] = []
  const gone: string[] = []
  for (const id of ids) {
    const value = find(id)
    if (value === undefined) gone.push(id)
    else found.push(value)
  }
  return { found, gone }
}
