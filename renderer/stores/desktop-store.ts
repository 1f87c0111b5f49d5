import { createStore, type StoreApi } from 'zustand/vanilla'
import type { DesktopPrefs, EngineState, Reply, SowerBridge } from '../../app/contract/index.ts'

export interface DesktopState {
  readonly engine: EngineState
  readonly prefs: DesktopPrefs
}

export interface DesktopStore {
  readonly store: StoreApi<DesktopState>
  reload(): Promise<void>
  savePrefs(patch: Partial<DesktopPrefs>): Promise<Reply<DesktopPrefs>>
  dispose(): void
}

/** What the main process knows: how the engine is doing, and the choices that belong to this window. */
export function createDesktopStore(bridge: SowerBridge): DesktopStore {
  const store = createStore<DesktopState>(() => ({
    engine: { state: 'starting', restarts: 0 },
    prefs: { theme: 'auto', closeAction: 'ask', isStartAtLogin: false },
  }))
  const stops = [
    bridge.on('desktop.engineChanged', (engine) => store.setState({ engine })),
    bridge.on('desktop.prefsChanged', (prefs) => store.setState({ prefs })),
  ]
  return {
    store,
    reload: async () => {
      const [engine, prefs] = await Promise.all([
        bridge.call('desktop.engineState', {}),
        bridge.call('desktop.getPrefs', {}),
      ])
      store.setState({
        ...(engine.ok ? { engine: engine.value } : {}),
        ...(prefs.ok ? { prefs: prefs.value } : {}),
      })
    },
    savePrefs: async (patch) => {
      const reply = await bridge.call('desktop.setPrefs', patch)
      if (reply.ok) store.setState({ prefs: reply.value })
      return reply
    },
    dispose: () => {
      for (const stop of stops) stop()
    },
  }
}
