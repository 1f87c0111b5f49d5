import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { extended, EXTENDED, Nonsense, uint32 } from '../../support/nonsense.ts'
import { makeSample, type SampleTorrent } from '../../support/sample-torrent.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { finished, startSwarm } from '../../support/swarms.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MIB = 1024 * 1024

let uncaught: unknown[]
const note = (error: unknown): void => void uncaught.push(error)
beforeEach(() => {
  uncaught = []
  process.on('uncaughtException', note)
})
afterEach(() => void process.off('uncaughtException', note))

/** @param name twelve letters */
function greeting({ infoHash }: SampleTorrent, name: string): Buffer {
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 5])
  const start = [
    Buffer.from([19]),
    Buffer.from('BitTorrent protocol'),
    reserved,
    Buffer.from(infoHash, 'hex'),
  ]
  return Buffer.concat([...start, Buffer.from(`-XX0001-${name}`)])
}

/** A connection that has greeted and says this next. */
function greet(port: number, sample: SampleTorrent, next: Uint8Array, name = 'hostile-peer'): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(Buffer.concat([greeting(sample, name), next]))
  return socket
}

/** Somebody honest still gets the whole file. */
async function expectServed(address: string, sample: SampleTorrent, filePath: string): Promise<void> {
  await using node = await startSwarm()
  const leech = node.swarm.leech({ ...sample, filePath, trackers: [], peers: [address] })
  await finished(leech)
  await leech.stop()
  expect(uncaught).toEqual([])
}

test.each([
  ['ut_pex', { ut_pex: 2 }, { ut_pex: 0 }],
  ['ut_metadata', { ut_metadata: 3 }, { ut_metadata: 0 }],
  ['sower_manifest', { sower_manifest: 4 }, { sower_manifest: 'x' }],
])('a peer may take back that it knows %s at any time', async (_name, first, second) => {
  await using dir = await tempDir()
  await using seeder = await startSwarm({}, () => Promise.resolve(Buffer.from('{}')))
  const sample = await makeSample({ dir: dir.path, sizeBytes: MIB })
  seeder.seed(sample)
  const socket = greet(seeder.peerPort, sample, extended(0, { m: first, p: 4001 }))
  // Somebody whom it could be told of.
  const other = greet(seeder.peerPort, sample, extended(0, { m: first, p: 4002 }), 'another-peer')
  await sleep(300)
  socket.write(extended(0, { m: second }))
  for (const id of [1, 2, 3]) socket.write(extended(id, { msg_type: 0, piece: 0 }))
  // Peers are told of others after two seconds.
  await sleep(2500)
  await expectServed(seeder.address, sample, dir.file('got'))
  for (const one of [socket, other]) one.destroy()
})

test('a greeting whose key is none ends that connection alone', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: MIB })
  seeder.seed(sample)
  // Encrypted connections begin with 96 bytes of a Diffie-Hellman key.
  for (const fill of [0, 1, 255]) {
    const socket = connect(seeder.peerPort, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(Buffer.alloc(96, fill))
    await sleep(300)
    socket.destroy()
  }
  // And where it is the one who dials.
  await using node = await startSwarm()
  const keyless = createServer((socket) => {
    socket.on('error', () => undefined)
    // Whoever does not read is not told that the other side has gone.
    socket.resume()
    socket.write(Buffer.alloc(96, 255))
  })
  await new Promise<void>((resolve) => keyless.listen(0, '127.0.0.1', resolve))
  const { port } = keyless.address() as AddressInfo // it listens on TCP
  const peers = [`127.0.0.1:${String(port)}`]
  const leech = node.swarm.leech({ ...sample, filePath: dir.file('none'), trackers: [], peers })
  await sleep(500)
  await leech.stop()
  await new Promise((resolve) => keyless.close(resolve))
  await expectServed(seeder.address, sample, dir.file('got'))
})

test('a message that would be longer than any is not waited for, also right after the greeting', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: MIB })
  seeder.seed(sample)
  const socket = greet(
    seeder.peerPort,
    sample,
    Buffer.concat([uint32(0xffffffff), Buffer.from([EXTENDED]), Buffer.alloc(1000)]),
  )
  let sentBytes = 0
  const flood = setInterval(() => {
    if (!socket.destroyed && socket.write(Buffer.alloc(256 * 1024))) sentBytes += 256 * 1024
  }, 5)
  await vi.waitFor(() => expect(socket.destroyed).toBe(true), { timeout: 10_000 })
  clearInterval(flood)
  expect(sentBytes).toBeLessThan(16 * MIB)
  await expectServed(seeder.address, sample, dir.file('got'))
})

test('a peer that asks without end and reads nothing is left alone', async () => {
  await using dir = await tempDir()
  await using seeder = await startSwarm()
  const sample = await makeSample({ dir: dir.path, sizeBytes: 64 * MIB, pieceLength: 16 * 1024 })
  seeder.seed(sample)
  const socket = greet(seeder.peerPort, sample, extended(0, { m: { ut_metadata: 3 } }))
  socket.pause()
  const ask = Buffer.concat(Array.from({ length: 100 }, () => extended(1, { msg_type: 0, piece: 0 })))
  const flood = setInterval(() => void (socket.destroyed || socket.write(ask)), 5)
  await vi.waitFor(() => expect(seeder.swarm.peers(sample.infoHash)).toHaveLength(1), { timeout: 5000 })
  await vi.waitFor(() => expect(seeder.swarm.peers(sample.infoHash)).toHaveLength(0), { timeout: 20_000 })
  clearInterval(flood)
  socket.destroy()
  await expectServed(seeder.address, sample, dir.file('got'))
})

test.each([1, 2, 3])(
  'nonsense of any kind ends at most the connection it came over (seed %i)',
  async (seed) => {
    await using dir = await tempDir()
    await using seeder = await startSwarm({}, () => Promise.resolve(Buffer.from('{}')))
    await using node = await startSwarm()
    const sample = await makeSample({ dir: dir.path, sizeBytes: 2 * MIB })
    seeder.seed(sample)
    const { metainfo: _, ...magnet } = sample
    const nonsense = new Nonsense(seededRandom(seed))
    const sockets = new Set<Socket>()
    const talk = (socket: Socket): void => {
      sockets.add(socket)
      socket.resume()
      const timer = setInterval(() => {
        if (socket.destroyed) clearInterval(timer)
        else socket.write(nonsense.next())
      }, 3)
    }
    // It is talked to by them, and dials some itself for what it fetches.
    const listening = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(greeting(sample, 'listening-on'))
        talk(socket)
      })
    })
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const { port } = listening.address() as AddressInfo // it listens on TCP
    for (let round = 0; round < 6; round += 1) {
      for (let at = 0; at < 12; at += 1)
        talk(
          greet(
            seeder.peerPort,
            sample,
            nonsense.next(),
            `round-${String(round)}-${String(at).padStart(4, '0')}`,
          ),
        )
      const leech = node.swarm.leech({
        ...(round % 2 === 0 ? sample : magnet),
        filePath: dir.file(`got-${String(round)}`),
        trackers: [],
        peers: [`127.0.0.1:${String(port)}`],
      })
      await sleep(700)
      await leech.stop()
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    await new Promise((resolve) => listening.close(resolve))
    await expectServed(seeder.address, sample, dir.file('got'))
  },
)
