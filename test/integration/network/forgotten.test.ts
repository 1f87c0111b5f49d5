import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { encodeManifest } from '../../../app/network/codec.ts'
import { makeNode } from '../../../app/network/graph.ts'
import { souls } from '../../../app/network/souls.ts'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

let world: NetworkWorld
afterEach(() => world.close())

/** A peer that asks for one frozen version, and may write it. */
async function connect(url: string, hash: string) {
  const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false })
  world.onClose(() => Promise.resolve(socket.terminate()))
  await once(socket, 'open')
  const send = (message: object): string => {
    const id = Math.random().toString(36).slice(2)
    socket.send(JSON.stringify({ '#': id, ...message }))
    return id
  }
  return {
    close: () => socket.terminate(),
    write: (text: string) =>
      send({ put: { '#media': makeNode(souls.versions, { [hash]: text }, Date.now()) } }),
    /** The text, as it is held there. */
    read: () =>
      new Promise<unknown>((resolve) => {
        const id = send({ get: { '#': souls.versions, '.': hash } })
        const hear = (data: Buffer): void => {
          const parsed: unknown = JSON.parse(data.toString('utf8'))
          for (const raw of Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]) {
            const message = (typeof raw === 'string' ? JSON.parse(raw) : raw) as Answer
            if (message['@'] !== id) continue
            socket.off('message', hear)
            resolve(message.put?.[souls.versions]?.[hash])
          }
        }
        socket.on('message', hear)
      }),
  }
}

interface Answer {
  readonly '@'?: string
  readonly put?: Record<string, Record<string, unknown>>
}

test(
  'what is private again lies frozen here no more, be GUN away when that is said, or be it written again by others',
  { timeout: 90_000 },
  async () => {
    world = await openNetworkWorld()
    const owner = testSigner(5)
    const node = await world.node('a', { ownerSeed: 5 })
    const [gone, kept] = [makeManifest(owner, 'diary'), makeManifest(owner, 'film')]
    const next = makeManifest(owner, 'diary, made again', { supersedes: gone.id })
    for (const manifest of [gone, kept, next]) await node.publish(manifest)
    const peersOf = (): Promise<Awaited<ReturnType<typeof connect>>[]> =>
      Promise.all([gone, kept, next].map((manifest) => connect(node.url, encodeManifest(manifest).hash)))
    const texts = [gone, kept, next].map((manifest) => encodeManifest(manifest).text)
    const held = async (): Promise<unknown[]> => Promise.all((await peersOf()).map((peer) => peer.read()))
    expect(await held()).toEqual(texts)

    const restarted = async (restarts: number): Promise<void> => {
      await node.until(({ gun }) => gun.restarts === restarts && gun.state === 'running')
    }
    await node.call('killGun')
    await node.call('hide', gone.id)
    await restarted(1)
    const wanted = [undefined, ...texts.slice(1)]
    await poll(held, (found) => found[0] === undefined)
    expect(await held()).toEqual(wanted)

    const [again] = await peersOf()
    again?.write(texts[0] ?? '')
    await poll(held, (found) => found[0] === texts[0])
    await node.call('killGun')
    await restarted(2)
    await poll(held, (found) => found[0] === undefined)
    expect(await held()).toEqual(wanted)
  },
)
