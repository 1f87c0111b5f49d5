import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { poll } from '../../support/network-world.ts'
import { callNode, runSower, serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

interface Added {
  readonly mediaId: string
}

/** A relay that says nothing and keeps everything it is told or asked. */
async function listener(): Promise<{ url: string; heard: (text: string) => string[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const frames: string[] = []
  server.on('connection', (socket) =>
    socket.on('message', (data) => frames.push((data as Buffer).toString('utf8'))),
  )
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/gun`,
    heard: (text) => frames.filter((frame) => frame.includes(text)),
  }
}

test(
  'no relay is told of a private item: not by looking at it, not by asking whether it was withdrawn',
  { timeout: 150_000 },
  async () => {
    await using dir = await tempDir()
    const relay = await listener()
    const serve = async (): Promise<SowerNode> => {
      const node = await serveNode(dir.file('node'), [], { GUN_PEERS: relay.url })
      onTestFinished(() => node.child.stop())
      return node
    }
    const node = await serve()
    const add = async (name: string, ...args: string[]): Promise<string> => {
      await writeFile(dir.file(name), `the text of ${name}`)
      return (await sowerJson<Added>(node.dataDir, ['add', dir.file(name), ...args])).mediaId
    }
    const clear = await add('clear.txt', '--access', 'private')
    const sealed = await add('sealed.txt', '--access', 'private', '--encrypt')
    const thrownAway = await add('thrown away.txt', '--access', 'private')
    const shown = await add('shown.txt', '--access', 'public')
    await sowerJson(node.dataDir, ['rm', thrownAway])

    for (const [mediaId, name] of [
      [clear, 'clear.txt'],
      [sealed, 'sealed.txt'],
    ] as const) {
      const { item, heard } = await callNode(node, 'discovery.item', { id: mediaId })
      expect(item).toMatchObject({ mediaId, name, accessLevel: 'private', isHeld: true })
      expect(item.copies).toEqual({ presence: 0 })
      expect(heard).toBe('unasked')
      expect((await runSower(node.dataDir, ['search', mediaId])).stdout).toContain(name)
    }
    expect((await runSower(node.dataDir, ['search', thrownAway])).status).toBe(1)
    await callNode(node, 'discovery.item', { id: shown })
    expect(relay.heard(shown)).not.toEqual([])
    await node.child.stop()

    // As if all of it had come from somebody else.
    const db = new Database(join(node.dataDir, 'sower.db'))
    db.prepare('UPDATE items SET is_own = 0').run()
    db.prepare('DELETE FROM network_publications').run()
    db.close()
    await serve()
    await poll(
      async () => Promise.resolve(relay.heard(`records:did:gun:media:${shown}`)),
      ({ length }) => length > 0,
      30_000,
    )
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    expect([clear, sealed, thrownAway].flatMap((mediaId) => relay.heard(mediaId))).toEqual([])
  },
)

test(
  'no relay is told of a private item by taking an earlier one back: not of the old one, not of the new one',
  { timeout: 150_000 },
  async () => {
    await using dir = await tempDir()
    const relay = await listener()
    const serve = async (): Promise<SowerNode> => {
      const node = await serveNode(dir.file('node'), [], { GUN_PEERS: relay.url })
      onTestFinished(() => node.child.stop())
      return node
    }
    const node = await serve()
    const friend = await sowerJson<{ link: string; owner: string }>(dir.file('friend'), ['wallet', 'card'])
    for (const name of ['sealed.txt', 'letter.txt']) await writeFile(dir.file(name), `the text of ${name}`)
    const sealed = await sowerJson<Added>(node.dataDir, ['add', dir.file('sealed.txt'), '--encrypt'])
    const letter = await sowerJson<Added>(node.dataDir, ['add', dir.file('letter.txt'), '--to', friend.link])
    const heardOf = (what: string): Promise<string[]> =>
      poll(
        async () => Promise.resolve(relay.heard(what)),
        ({ length }) => length > 0,
        30_000,
      )
    await heardOf(letter.mediaId)

    const unshared = await sowerJson<Added>(node.dataDir, ['unshare', letter.mediaId, '--from', friend.owner])
    await heardOf(`records:did:gun:media:${letter.mediaId}`)
    await runSower(node.dataDir, ['rotate', '--all'])
    const now = (await sowerJson<Added[]>(node.dataDir, ['ls'])).map(({ mediaId }) => mediaId)
    expect(now).toHaveLength(2)
    expect(now).not.toContain(sealed.mediaId)
    await node.child.stop()
    // What was not said yet is said when relays come.
    await serve()
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    expect([sealed, unshared].flatMap(({ mediaId }) => relay.heard(mediaId))).toEqual([])
    expect(now.flatMap((mediaId) => relay.heard(mediaId))).toEqual([])
  },
)
