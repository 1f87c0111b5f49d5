import { createStore, type StoreApi } from 'zustand/vanilla'

type KeptText = Pick<Storage, 'getItem' | 'setItem'>

export interface WindowMemoryState {
  /** The backup banner stays away until then. */
  readonly quietUntilMs: number
  /** The first-run words on identity were answered. */
  readonly isWelcomed: boolean
  /** What the user calls themselves on their card. */
  readonly cardName: string
}

export interface WindowMemory {
  readonly store: StoreApi<WindowMemoryState>
  /** Keeps quiet about the backup for a week. */
  remindLater(nowMs: number): void
  setWelcomed(): void
  setCardName(name: string): void
}

const QUIET_KEY = 'sower.backup-quiet-until'
const WELCOMED_KEY = 'sower.welcomed'
const CARD_NAME_KEY = 'sower.card-name'
const WEEK_MS = 604_800_000

/** Conveniences of this window between its starts; nothing secret, nothing the node needs. */
export function createWindowMemory(kept: KeptText = localText()): WindowMemory {
  const store = createStore<WindowMemoryState>(() => ({
    quietUntilMs: Number(kept.getItem(QUIET_KEY) ?? 0) || 0,
    isWelcomed: kept.getItem(WELCOMED_KEY) !== null,
    cardName: kept.getItem(CARD_NAME_KEY) ?? '',
  }))
  return {
    store,
    remindLater: (nowMs) => {
      kept.setItem(QUIET_KEY, String(nowMs + WEEK_MS))
      store.setState({ quietUntilMs: nowMs + WEEK_MS })
    },
    setWelcomed: () => {
      kept.setItem(WELCOMED_KEY, '1')
      store.setState({ isWelcomed: true })
    },
    setCardName: (cardName) => {
      kept.setItem(CARD_NAME_KEY, cardName)
      store.setState({ cardName })
    },
  }
}

/** The browser's storage where there is one; else this run's memory. */
function localText(): KeptText {
  const texts = new Map<string, string>()
  const fallback: KeptText = {
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => void texts.set(key, value),
  }
  try {
    return typeof localStorage === 'undefined' ? fallback : localStorage
  } catch {
    return fallback
  }
}
