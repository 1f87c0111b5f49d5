import { readFile, writeFile } from 'node:fs/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { HttpNode } from '../../../app/cli/http-node.ts'
import { findRunningNode } from '../../../app/cli/node-file.ts'
import { transferError, waitForTransfers } from '../../../app/cli/transfers.ts'
import type { MediaId, Transfer } from '../../../app/contract/index.ts'
import { serveNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'

interface Remote {
  readonly call: HttpNode['call']
  /** Waits for a transfer; throws what it failed with. */
  readonly finish: (id: string) => Promise<Transfer>
  readonly card: string
  readonly owner: string
}

async function openNode(dataDir: string, tracker: string): Promise<Remote> {
  const node = await serveNode(dataDir, [tracker])
  onTestFinished(() => node[Symbol.asyncDispose]())
  const found = findRunningNode(dataDir)
  if (found === undefined) throw new Error('the node does not run')
  const remote = new HttpNode(found)
  onTestFinished(() => remote.close())
  const { link: card, owner } = await remote.call('vault.card', {})
  return {
    call: (name, args) => remote.call(name, args),
    card,
    owner,
    finish: async (id) => {
      const signal = AbortSignal.timeout(30_000)
      let last: readonly Transfer[] = []
      const [transfer] = await waitForTransfers(remote, [id], {
        onProgress: (now) => (last = now),
        signal,
      }).catch(() => {
        throw new Error(`not in time: ${JSON.stringify(last)}`)
      })
      if (transfer === undefined) throw new Error('the transfer has vanished')
      const error = transferError(transfer)
      if (error !== undefined) throw error
      return transfer
    },
  }
}

it('three nodes: who is added can read, who is removed keeps the old one and can’t read the new one', async () => {
  await using dir = await tempDir()
  await using tracker = await startTracker()
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => openNode(dir.file(name), tracker.http)))
  if (a === undefined || b === undefined || c === undefined) throw new Error('three nodes were started')
  const text = 'the canary sings at midnight\n'.repeat(20_000)
  await writeFile(dir.file('diary.txt'), text)
  for (const { card } of [b, c]) await a.call('contacts.add', { card })
  const { transferIds } = await a.call('library.add', { paths: [dir.file('diary.txt')] })
  const plain = await a.finish(transferIds[0] ?? '')

  const encrypting = await a.call('sharing.encrypt', {
    mediaId: plain.mediaId as MediaId,
    people: [b.owner],
  })
  const first = (await a.finish(encrypting.transferId)).mediaId as MediaId
  const fetch = async (node: Remote, mediaId: MediaId, withKey = false): Promise<Transfer> => {
    const { link } = await a.call('sharing.link', { mediaId, withKey })
    return node.finish((await node.call('fetching.start', { link })).transferId)
  }
  const save = async (node: Remote, mediaId: MediaId, name: string): Promise<string> => {
    const path = dir.file(name)
    await node.finish((await node.call('library.saveCopy', { mediaId, path })).transferId)
    return readFile(path, 'utf8')
  }

  await fetch(b, first)
  expect(await b.call('library.get', { mediaId: first })).toMatchObject({
    name: 'diary.txt',
    protection: 'readable',
    accessLevel: 'shared',
    isOwn: false,
    state: 'seeding',
    // Passed on, it still says whose it is, though nobody told where she publishes.
    link: expect.stringContaining(`pub=${a.owner}`) as string,
  })
  expect(await save(b, first, 'b.txt')).toBe(text)

  // Somebody it was not shared with can keep it and pass it on, and ask for more.
  await fetch(c, first)
  expect(await c.call('library.get', { mediaId: first })).toMatchObject({
    name: 'Encrypted item',
    protection: 'needs-key',
    state: 'seeding',
  })
  await expect(save(c, first, 'c.txt')).rejects.toMatchObject({ code: 'KEY_NEEDED' })
  const asked = await c.call('sharing.requestAccess', { mediaId: first })
  expect(asked.owner).toBe(a.owner)
  expect(asked.text).toContain(`sower://media/${first}`)
  expect(asked.text).toContain('sower://card/')
  await expect(c.call('sharing.addPeople', { mediaId: first, people: [b.owner] })).rejects.toMatchObject({
    code: 'FORBIDDEN',
  })

  const removing = await a.call('sharing.removePeople', { mediaId: first, people: [b.owner] })
  const second = (await a.finish(removing.transferId)).mediaId as MediaId
  await expect(a.call('library.get', { mediaId: first })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await a.call('library.restore', { mediaIds: [first] })
  await expect(
    a.call('library.setSeeding', { mediaIds: [first], isSeedingWanted: true }),
  ).rejects.toMatchObject({ code: 'WITHDRAWN' })
  expect(await a.call('library.get', { mediaId: first })).toMatchObject({ state: 'ready' })

  await a.call('sharing.addPeople', { mediaId: second, people: [c.owner] })
  await Promise.all([fetch(b, second), fetch(c, second)])
  expect(await save(c, second, 'c2.txt')).toBe(text)
  expect(await b.call('library.get', { mediaId: second })).toMatchObject({ protection: 'needs-key' })
  await expect(save(b, second, 'b2.txt')).rejects.toMatchObject({ code: 'KEY_NEEDED' })
  // Its owner’s manifest of the new one says that the old one is not to be passed on.
  for (const node of [b, c]) {
    await vi.waitFor(async () => {
      expect(await node.call('library.get', { mediaId: first })).toMatchObject({ state: 'ready' })
    })
    const { notices } = await node.call('node.status', {})
    expect(notices.filter(({ code }) => code === 'WITHDRAWN')).toHaveLength(1)
  }
  // What was fetched before stays readable, as the owner was told.
  expect(await save(b, first, 'b3.txt')).toBe(text)
})
