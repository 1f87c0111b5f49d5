import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { outcomeOf, Sandbox } from './sower-process.ts'

const LINK = `magnet:?xt=urn:btih:${'ab'.repeat(20)}`

it('says that a node does not answer, and lets nobody wait for it', { timeout: 120_000 }, async () => {
  const sandbox = new Sandbox()
  const data = sandbox.path('data')
  const { child } = await sandbox.serve(data)
  // Begun before it falls silent, it waits for somebody to show up.
  const getting = sandbox.start(['get', LINK, '--wait', '--from', '127.0.0.1:9', '--data-dir', data])
  const got = outcomeOf(getting)
  await sleep(5000)
  child.kill('SIGSTOP')

  const stopped = performance.now()
  getting.kill('SIGINT')
  expect(await got).toMatchObject({ status: 130 })
  expect(performance.now() - stopped).toBeLessThan(8000)

  const asking = sandbox.start(['status', '--data-dir', data])
  const asked = outcomeOf(asking)
  await sleep(3000)
  const interrupted = performance.now()
  asking.kill('SIGINT')
  expect(await asked).toMatchObject({ status: 130 })
  expect(performance.now() - interrupted).toBeLessThan(5000)

  const { status, stderr } = await sandbox.run('status', '--json', '--data-dir', data)
  expect(status).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({ code: 'TIMEOUT' })
  child.kill('SIGCONT')
  expect((await sandbox.run('status', '--data-dir', data)).status).toBe(0)
  child.kill('SIGTERM')
  await once(child, 'exit')
})

it('reads a link from standard input, where no other program sees it', async () => {
  const sandbox = new Sandbox()
  const data = sandbox.path('data')
  writeFileSync(sandbox.path('a file'), 'some bytes')
  const added = await sandbox.json<{ mediaId: string }>('add', sandbox.path('a file'), '--data-dir', data)
  const { mediaId } = added
  const { status, stdout } = await sandbox.runWith(`${mediaId}\n`, 'get', '-', '--json', '--data-dir', data)
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ mediaId, isDuplicate: true })
})
