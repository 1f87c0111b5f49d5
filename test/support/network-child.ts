import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { identifyClient } from '../../app/http/index.ts'
import { openDatabase } from '../../app/library/index.ts'
import type { Manifest } from '../../app/manifest/index.ts'
import { Network } from '../../app/network/index.ts'
import { systemClock } from '../../app/ports/clock.ts'
import { silentLog } from '../../app/ports/log.ts'
import { testSigner } from '../unit/manifest/owner.ts'
import type { FromNetworkChild, NetworkChildInit, ToNetworkChild } from './network-node.ts'

// A node's Network and nothing else of the node, in a process of its own: items are what the test says they are.
const init = JSON.parse(process.argv[2] ?? '{}') as NetworkChildInit // written by the test that starts this
const post = (message: FromNetworkChild): void => void process.send?.(message)

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
const manifests = new Map<string, Manifest>(init.items?.map((manifest) => [manifest.id, manifest]))
const withdrawn = new Set<string>()
const hidden = new Set<string>()
const bytes = new Map<string, Uint8Array>()
/** What was too large for the network, each time it was said. */
const tooLarge: string[] = []
/** How often it was said that the clock is behind. */
let clockTold = 0
let relays = init.relays
let clockBehindMs = init.clockBehindMs ?? 0
const db = openDatabase(join(init.dir, 'sower.db'), { log: silentLog, clock: systemClock })
const network = new Network({
  dir: join(init.dir, 'gun'),
  db,
  settings: () => ({
    relays,
    isFeedWanted: init.isFeedWanted ?? true,
    endpoints: init.endpoints ?? [],
    isPaused: false,
    isBootstrapWanted: true,
  }),
  node: {
    nodeId: createHash('sha256').update(raw).digest('hex').slice(0, 40),
    publicKeyHex: raw.toString('hex'),
    sign: (bytes) => sign(null, bytes, privateKey),
  },
  seaSigner: () => init.pair,
  ownerSigner: () => (init.ownerSeed === undefined ? undefined : testSigner(init.ownerSeed)),
  trustedOwners: () => new Set(init.trusted ?? []),
  items: {
    manifest: async (mediaId) => Promise.resolve(manifests.get(mediaId)),
    own: () => [...manifests.values()].map(({ id, version }) => ({ mediaId: id, version })),
    listed: (below, limit) =>
      [...manifests.values()]
        .filter(({ id, accessControl }) => id < below && accessControl.access_level === 'public')
        .map(({ id }) => id)
        .toSorted()
        .toReversed()
        .slice(0, limit),
    hidden: () => hidden,
    withdrawn: () => withdrawn,
    present: () => [...manifests.keys()],
    read: async (mediaId, start, end) =>
      Promise.resolve(bytes.get(mediaId)?.subarray(start, end) ?? new Uint8Array()),
  },
  onTooLarge: (mediaId) => void tooLarge.push(mediaId),
  onClockBehind: () => void (clockTold += 1),
  identify: identifyClient,
  ownOrigins: () => [],
  clock: { nowMs: () => systemClock.nowMs() - clockBehindMs },
  log: {
    ...silentLog,
    warn: (event, fields) => post({ type: 'log', text: `${event} ${JSON.stringify(fields)}` }),
    error: (event, fields) => post({ type: 'log', text: `${event} ${JSON.stringify(fields)}` }),
  },
  ...(init.host === undefined ? {} : { host: init.host }),
  ...(init.presenceSchedule === undefined ? {} : { presenceSchedule: init.presenceSchedule }),
})
const server = createServer((_, response) => response.end())
server.on('upgrade', (request, socket, head) => network.attachUpgrade(request, socket, head))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

const calls: Record<string, (...args: never[]) => unknown> = {
  add: (...added: Manifest[]) => {
    for (const manifest of added) manifests.set(manifest.id, manifest)
  },
  hold: (mediaId: string, held: Uint8Array) => void bytes.set(mediaId, held),
  chunk: (mediaId: string, place: Parameters<Network['chunk']>[1]) => network.chunk(mediaId, place),
  changed: () => network.refreshFrom('items'),
  remove: (mediaId: string) => void manifests.delete(mediaId),
  hide: (mediaId: string) => {
    manifests.delete(mediaId)
    hidden.add(mediaId)
    network.madePrivate([mediaId])
  },
  publish: (mediaId: string) => network.publish(mediaId),
  publishAll: () => Promise.all([...manifests.keys()].map((mediaId) => network.publish(mediaId))),
  withdraw: (revocation: Parameters<Network['withdraw']>[0]) => {
    withdrawn.add(revocation.mediaId)
    return network.withdraw(revocation)
  },
  lookup: (mediaId: string, hints: Parameters<Network['lookup']>[1]) => network.lookup(mediaId, hints),
  follow: (publisher: Parameters<Network['followed']['add']>[0]) => network.followed.add(publisher),
  refresh: () => network.refresh(),
  feed: (args: Parameters<Network['feed']>[0]) => network.feed(args),
  presenceOf: (mediaId: string) => network.presenceOf(mediaId),
  status: () => network.status(),
  tooLarge: () => tooLarge,
  clockTold: () => clockTold,
  setRelays: (urls: string[]) => {
    relays = urls
    network.refreshFrom('settings')
  },
  passTime: (ms: number) => void (clockBehindMs -= ms),
  killGun: () => process.kill(network.status().gun.pid ?? 0, 'SIGKILL'),
  stop: async () => {
    await network.stop()
    db.close()
    server.close()
    server.closeAllConnections()
  },
}

process.on('message', (message: ToNetworkChild) => {
  const work = async (): Promise<unknown> => calls[message.call]?.(...(message.args as never[]))
  work().then(
    (value) => {
      post({ type: 'reply', id: message.id, value })
      if (message.call === 'stop') process.disconnect()
    },
    (error: unknown) => post({ type: 'reply', id: message.id, error: String(error) }),
  )
})
network.start()
// A TCP server's address is never a string.
post({ type: 'ready', port: (server.address() as AddressInfo).port })
