import { createStore, type StoreApi } from 'zustand/vanilla'
import type { NodeStatus, SettingsPatch, SettingsView, SowerBridge, Reply } from '../../app/contract/index.ts'

export interface NodeState {
  readonly status: NodeStatus | null
  readonly settings: SettingsView | null
}

export interface NodeStore {
  readonly store: StoreApi<NodeState>
  reload(): Promise<void>
  save(patch: SettingsPatch): Promise<Reply<SettingsView>>
  dispose(): void
}

/** The node's own state and settings. */
export function createNodeStore(bridge: SowerBridge): NodeStore {
  const store = createStore<NodeState>(() => ({ status: null, settings: null }))
  const stops = [
    bridge.on('node.changed', (status) => store.setState({ status })),
    bridge.on('settings.changed', (settings) => store.setState({ settings })),
    bridge.on('node.notice', (notice) =>
      store.setState(({ status }) => {
        if (status === null || status.notices.some((one) => one.id === notice.id)) return {}
        return { status: { ...status, notices: [...status.notices, notice] } }
      }),
    ),
  ]
  return {
    store,
    reload: async () => {
      const [status, settings] = await Promise.all([
        bridge.call('node.status', {}),
        bridge.call('settings.get', {}),
      ])
      store.setState({
        ...(status.ok ? { status: status.value } : {}),
        ...(settings.ok ? { settings: settings.value } : {}),
      })
    },
    save: async (patch) => {
      const reply = await bridge.call('settings.set', patch)
      if (reply.ok) store.setState({ settings: reply.value })
      return reply
    },
    dispose: () => {
      for (const stop of stops) stop()
    },
  }
}
