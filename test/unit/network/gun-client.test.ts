import { expect, onTestFinished, test, vi } from 'vitest'
import { GunClient } from '../../../app/network/gun-client.ts'
import { startGunHost } from '../../../app/network/gun-host.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { tempDir } from '../../support/temp-dir.ts'

test('is tried again when no process can be started just now', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  let tries = 0
  const client = new GunClient({
    dir: dir.file('gun'),
    spawn: () => {
      tries += 1
      if (tries < 3) throw new Error('spawn ENOMEM')
      return startGunHost({ heapMiB: 64 })
    },
    settings: () => ({ relays: [], reserveBytes: 0 }),
    log: silentLog,
    onEvent: () => undefined,
  })
  onTestFinished(() => client.stop())
  client.start()
  expect(client.status()).toMatchObject({ state: 'restarting', lastExit: 'Error: spawn ENOMEM' })
  await vi.waitUntil(() => client.isRunning, 15_000)
})
