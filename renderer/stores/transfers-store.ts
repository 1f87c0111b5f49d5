import { createStore, type StoreApi } from 'zustand/vanilla'
import type { MediaId, SowerBridge, Transfer } from '../../app/contract/index.ts'

export interface TransfersState {
  readonly transfers: ReadonlyMap<string, Transfer>
  /** What the drawer shows: seen unfinished (or failed) since this window opened and not put away. */
  readonly inDrawer: ReadonlySet<string>
  readonly isDrawerOpen: boolean
}

export interface TransfersStore {
  readonly store: StoreApi<TransfersState>
  reload(): Promise<void>
  setDrawerOpen(isOpen: boolean): void
  /** Takes finished transfers out of the drawer; they stay in the Transfers view. */
  putAway(): void
  dispose(): void
}

export const isLive = (transfer: Transfer): boolean =>
  transfer.state === 'queued' || transfer.state === 'active' || transfer.state === 'paused'

/** The job that encrypts an item anew, while there is one. */
export function selectRekeyOf({ transfers }: TransfersState, mediaId: MediaId): Transfer | undefined {
  return [...transfers.values()].find((one) => one.kind === 'rekey' && one.mediaId === mediaId && isLive(one))
}

const belongsInDrawer = (transfer: Transfer): boolean => isLive(transfer) || transfer.state === 'failed'

/** All transfers, newest first. */
export function selectNewestFirst(state: TransfersState): Transfer[] {
  return [...state.transfers.values()].sort((a, b) => b.createdAtMs - a.createdAtMs)
}

export function selectLiveCount(state: TransfersState): number {
  let count = 0
  for (const transfer of state.transfers.values()) if (isLive(transfer)) count += 1
  return count
}

const PUT_AWAY_AFTER_MS = 8_000

export function createTransfersStore(bridge: SowerBridge): TransfersStore {
  const store = createStore<TransfersState>(() => ({
    transfers: new Map(),
    inDrawer: new Set(),
    isDrawerOpen: false,
  }))
  let putAwayTimer: ReturnType<typeof setTimeout> | undefined

  const merge = (changed: readonly Transfer[], removed: readonly string[], isWhole: boolean) => {
    const before = store.getState()
    const transfers = new Map(isWhole ? [] : before.transfers)
    const inDrawer = new Set(before.inDrawer)
    let { isDrawerOpen } = before
    for (const transfer of changed) {
      const known = before.transfers.get(transfer.id)
      transfers.set(transfer.id, transfer)
      // A failure from an earlier run is for the Transfers view; only what happens now opens the drawer.
      const isNews = isWhole ? isLive(transfer) : belongsInDrawer(transfer) || known === undefined
      if (!isNews || inDrawer.has(transfer.id) || transfer.state === 'cancelled') continue
      inDrawer.add(transfer.id)
      if (known === undefined) isDrawerOpen = true
    }
    for (const id of removed) transfers.delete(id)
    for (const id of inDrawer) if (!transfers.has(id)) inDrawer.delete(id)
    store.setState({ transfers, inDrawer, isDrawerOpen })
    planPutAway()
  }

  const keepOnly = (stays: (transfer: Transfer) => boolean) =>
    store.setState(({ transfers, inDrawer }) => ({
      inDrawer: new Set(
        [...inDrawer].filter((id) => {
          const transfer = transfers.get(id)
          return transfer !== undefined && stays(transfer)
        }),
      ),
    }))
  const putAway = () => keepOnly(isLive)

  /** Once nothing is under way, what went well leaves the drawer by itself; a failure stays until it is seen to. */
  function planPutAway(): void {
    clearTimeout(putAwayTimer)
    const { transfers, inDrawer } = store.getState()
    const shown = [...inDrawer].map((id) => transfers.get(id)).filter((one) => one !== undefined)
    if (shown.some(isLive) || shown.every(belongsInDrawer)) return
    putAwayTimer = setTimeout(() => keepOnly(belongsInDrawer), PUT_AWAY_AFTER_MS)
  }

  const stop = bridge.on('transfers.changed', ({ transfers, removed }) => merge(transfers, removed, false))
  return {
    store,
    reload: async () => {
      const reply = await bridge.call('transfers.list', {})
      if (reply.ok) merge(reply.value.transfers, [], true)
    },
    setDrawerOpen: (isDrawerOpen) => store.setState({ isDrawerOpen }),
    putAway,
    dispose: () => {
      stop()
      clearTimeout(putAwayTimer)
    },
  }
}
