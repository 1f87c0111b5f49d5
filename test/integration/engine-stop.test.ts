import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, test } from 'vitest'
import type { EngineStartOptions, FromEngine, ToEngine } from '../../app/contract/index.ts'
import { Engine } from '../../app/engine.ts'
import { MemoryKeychain } from '../unit/vault/memory-keychain.ts'
import { Home } from './vault/engine-node.ts'

it.each([0, 10, 30, 100, 200, 300, 500])(
  'a node that is told to stop %i ms after its start leaves nothing running, and no trace of having run',
  async (delayMs) => {
    const home = new Home()
    const keychain = new MemoryKeychain()
    const make = (): Engine => {
      const engine = new Engine({
        dataDir: home.path('data'),
        flags: { mediaDir: home.path('media'), port: 0, controlPort: 0, peerPort: 0, trackers: [] },
        env: { SOWER_DHT: 'off', SOWER_LSD: 'off', SOWER_UPNP: 'off' },
        mode: 'desktop',
        keychain,
      })
      onTestFinished(() => engine.stop())
      return engine
    }
    const engine = make()
    const started = engine.start().then(
      (addresses) => addresses,
      (error: unknown) => error,
    )
    await sleep(delayMs)
    await engine.stop()
    const outcome = await started
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'CANCELLED' })
    expect(existsSync(home.path('data', 'node.json'))).toBe(false)
    expect(() => engine.handlers).toThrow('not running')
    const again = make()
    const { url } = await again.start()
    expect((await fetch(`${url}/health`)).status).toBe(200)
  },
)

test('the engine’s process ends in order when the system ends it, whoever still asks', async () => {
  const home = new Home()
  const child = fork(fileURLToPath(new URL('../../app/engine-process.ts', import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, SOWER_DHT: 'off', SOWER_LSD: 'off', SOWER_UPNP: 'off' },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exited = once(child, 'exit')
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      // What an engine's process sends.
      const { type } = message as FromEngine
      if (type === 'booted') post({ type: 'start', options })
      if (type === 'ready') resolve()
    })
  })
  const options: EngineStartOptions = {
    dataDir: home.path('data'),
    flags: { mediaDir: home.path('media'), port: 0, controlPort: 0, peerPort: 0, trackers: [] },
    mode: 'headless',
  }
  const post = (message: ToEngine): void => void (child.connected && child.send(message))
  await ready
  child.kill('SIGTERM')
  const asking = setInterval(() => post({ type: 'call', id: 1, name: 'node.status', args: {} }), 1)
  expect(await exited).toEqual([0, null])
  clearInterval(asking)
  expect(said).not.toContain('Error')
})
