import { mkdir } from 'node:fs/promises'
import { startRelay, StockClient, type Relay } from './gun-relay.ts'
import { NetworkNode, seaTestPair, type NetworkChildInit } from './network-node.ts'
import { tempDir } from './temp-dir.ts'

const QUICK = { heartbeatMs: 1_000, heartbeatTtlMs: 6_000, itemsPerSec: 50, roundMs: 60_000, onDemandMs: 500 }

/** A stock relay and whatever is connected to it; all of it ends with `close`. */
export interface NetworkWorld {
  readonly relay: Relay
  /** Another relay on the same files and port, after the first was stopped. */
  readonly restartRelay: () => Promise<void>
  readonly node: (name: string, more?: Partial<NetworkChildInit>) => Promise<NetworkNode>
  /** @param url what it lists as its one peer. @defaultValue the relay */
  readonly client: (name: string, url?: string) => Promise<StockClient>
  onClose(close: () => Promise<void>): void
  close(): Promise<void>
}

export async function openNetworkWorld({ axe = false } = {}): Promise<NetworkWorld> {
  const closers: (() => Promise<void>)[] = []
  const dir = await tempDir()
  closers.push(async () => dir[Symbol.asyncDispose]())
  const relayDir = dir.file('relay')
  await mkdir(relayDir)
  const relay = await startRelay(relayDir, { axe })
  closers.push(() => relay.stop())
  return {
    relay,
    restartRelay: async () => {
      const again = await startRelay(relayDir, { port: relay.port, axe })
      closers.push(() => again.stop())
    },
    node: async (name, more = {}) => {
      const node = await NetworkNode.start({
        dir: dir.file(name),
        relays: [relay.url],
        pair: seaTestPair(),
        presenceSchedule: QUICK,
        ...more,
      })
      closers.push(() => node.stop())
      return node
    },
    client: async (name, url = relay.url) => {
      await mkdir(dir.file(name))
      const client = await StockClient.start(url, dir.file(name))
      closers.push(() => client.stop())
      return client
    },
    onClose: (close) => void closers.push(close),
    close: async () => {
      for (const close of closers.splice(0).toReversed()) await close()
    },
  }
}

/** Asks until it is so. */
export async function poll<T>(
  ask: () => Promise<T>,
  isIt: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const untilMs = performance.now() + timeoutMs
  for (;;) {
    const value = await ask()
    if (isIt(value)) return value
    if (performance.now() > untilMs) throw new Error(`not in time: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
