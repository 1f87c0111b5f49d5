import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EngineState, FromEngine, ToEngine } from '../../../app/contract/index.ts'
import type { EngineHost } from '../../../main/engine-host.ts'
import { EngineSupervisor } from '../../../main/engine-supervisor.ts'

/** A process that does what the test says; the real ones are driven by the window's own tests. */
class ScriptedHost implements EngineHost {
  readonly pid = 1
  readonly posted: ToEngine[] = []
  isKilled = false
  #message: ((message: FromEngine) => void)[] = []
  #exit: ((code: number | null) => void)[] = []

  post(message: ToEngine): void {
    this.posted.push(message)
  }

  onMessage(listener: (message: FromEngine) => void): void {
    this.#message.push(listener)
  }

  onExit(listener: (code: number | null) => void): void {
    this.#exit.push(listener)
  }

  kill(): void {
    this.isKilled = true
    this.exit(null)
  }

  say(message: FromEngine): void {
    for (const listener of this.#message) listener(message)
  }

  exit(code: number | null): void {
    for (const listener of this.#exit) listener(code)
  }

  beReady(): void {
    this.say({ type: 'booted' })
    this.say({ type: 'ready', addresses: ADDRESSES })
  }
}

const ADDRESSES = {
  dataDir: '/data',
  url: 'http://127.0.0.1:1',
  controlUrl: 'http://127.0.0.1:2',
  controlToken: 'token',
  peerPort: 3,
  nodeId: 'node',
  owner: null,
}

function setUp() {
  const hosts: ScriptedHost[] = []
  const states: EngineState[] = []
  const events: unknown[] = []
  const supervisor = new EngineSupervisor({
    spawn: () => {
      const host = new ScriptedHost()
      hosts.push(host)
      return host
    },
    startOptions: () => ({ dataDir: null, flags: {}, mode: 'desktop' }),
    onState: (state) => states.push(state),
    onEvent: (name, payload) => events.push([name, payload]),
  })
  const host = (index: number): ScriptedHost => {
    const found = hosts[index]
    if (!found) throw new RangeError(`no host ${index}`)
    return found
  }
  return { supervisor, hosts, host, states, events }
}

describe('the engine supervisor', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('starts the engine once it has booted and answers calls made before it was ready, in order', async () => {
    const { supervisor, host } = setUp()
    supervisor.start()
    const first = supervisor.call('node.status', {})
    const second = supervisor.call('settings.get', {})
    host(0).beReady()
    const calls = host(0).posted.filter((message) => message.type === 'call')
    expect(calls.map(({ name }) => name)).toEqual(['node.status', 'settings.get'])
    for (const { id, name } of calls) host(0).say({ type: 'reply', id, reply: { ok: true, value: name } })
    expect(await Promise.all([first, second])).toEqual([
      { ok: true, value: 'node.status' },
      { ok: true, value: 'settings.get' },
    ])
  })

  it('answers open calls and brings the engine back when it is killed', async () => {
    const { supervisor, host, hosts, states } = setUp()
    supervisor.start()
    host(0).beReady()
    const open = supervisor.call('node.status', {})
    host(0).exit(null)
    expect(await open).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } })
    expect(states.at(-1)).toEqual({ state: 'restarting', restarts: 1 })
    vi.advanceTimersByTime(300)
    expect(hosts).toHaveLength(2)
    host(1).beReady()
    expect(states.at(-1)).toEqual({ state: 'running', restarts: 1 })
  })

  it('says why the engine could not start, what fixes it, and tries again when asked', () => {
    const { supervisor, host, hosts, states } = setUp()
    supervisor.start()
    host(0).say({ type: 'booted' })
    host(0).say({
      type: 'failed',
      error: { code: 'PORT_IN_USE', message: 'Port 1 is taken.' },
      dataDir: '/data',
    })
    host(0).exit(0)
    expect(states.at(-1)).toMatchObject({ state: 'failed', error: { code: 'PORT_IN_USE' }, fix: 'free-port' })
    expect(supervisor.dataDir).toBe('/data')
    supervisor.start()
    expect(hosts).toHaveLength(2)
    expect(states.at(-1)?.state).toBe('starting')
  })

  it('gives up after five crashes in a row instead of restarting for ever', () => {
    const { supervisor, host, hosts, states } = setUp()
    supervisor.start()
    for (let crash = 0; crash < 5; crash += 1) {
      host(crash).exit(1)
      vi.advanceTimersByTime(30_000)
    }
    expect(hosts).toHaveLength(5)
    expect(states.at(-1)).toMatchObject({ state: 'failed', fix: 'open-logs' })
  })

  it('forgets old crashes after a healthy minute', () => {
    const { supervisor, host, states } = setUp()
    supervisor.start()
    for (let crash = 0; crash < 8; crash += 1) {
      host(crash).beReady()
      vi.advanceTimersByTime(61_000)
      host(crash).exit(1)
      vi.advanceTimersByTime(300)
    }
    expect(states.at(-1)?.state).toBe('restarting')
  })

  it('answers a call that waited too long for the engine', async () => {
    const { supervisor } = setUp()
    supervisor.start()
    const open = supervisor.call('node.status', {})
    vi.advanceTimersByTime(20_000)
    expect(await open).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } })
  })

  it('stops the engine by asking, and by force when it does not listen', async () => {
    const { supervisor, host } = setUp()
    supervisor.start()
    host(0).beReady()
    const stopped = supervisor.stop()
    expect(host(0).posted.at(-1)).toEqual({ type: 'stop' })
    expect(host(0).isKilled).toBe(false)
    vi.advanceTimersByTime(5_000)
    await stopped
    expect(host(0).isKilled).toBe(true)
  })

  it('restarts a running engine: the old one is gone before the new one starts', async () => {
    const { supervisor, host, hosts, states } = setUp()
    supervisor.start()
    host(0).beReady()
    const restarted = supervisor.restart()
    expect(hosts).toHaveLength(1)
    host(0).exit(0)
    await restarted
    expect(hosts).toHaveLength(2)
    host(1).beReady()
    expect(states.at(-1)).toEqual({ state: 'running', restarts: 0 })
  })

  it('passes events on', () => {
    const { supervisor, host, events } = setUp()
    supervisor.start()
    host(0).beReady()
    host(0).say({ type: 'event', name: 'transfers.changed', payload: { transfers: [], removed: [] } })
    expect(events).toEqual([['transfers.changed', { transfers: [], removed: [] }]])
  })

  it('starts nothing in a process it has told to stop, and believes nothing it says of its start', async () => {
    const { supervisor, host, states } = setUp()
    supervisor.start()
    const stopped = supervisor.stop()
    host(0).beReady()
    host(0).say({ type: 'failed', dataDir: '/data', error: { code: 'CANCELLED', message: 'stopped' } })
    expect(host(0).posted).toEqual([{ type: 'stop' }])
    host(0).exit(0)
    await stopped
    expect(states.at(-1)?.state).toBe('stopped')
    expect(supervisor.addresses).toBeUndefined()
  })
})
