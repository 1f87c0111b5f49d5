import { connect, type Socket } from 'node:net'
import { decodeDict, encode, type Encodable } from '../../app/seeding/bencode.ts'

/** A BitTorrent peer that says just what a test wants and hears everything. */
export interface RawPeer extends AsyncDisposable {
  /** Names in the other side's extended handshake. */
  readonly extensions: ReadonlyMap<string, number>
  /** Messages of the extension registered here under `id`, in order: dictionary and what follows it. */
  readonly heard: {
    readonly id: number
    readonly dict: ReadonlyMap<string, unknown>
    readonly rest: Buffer
  }[]
  send(name: string, message: Encodable, rest?: Uint8Array): void
  until(isIt: () => boolean, timeoutMs?: number): Promise<void>
  isClosed(): boolean
}

/** Greets the peer at this port and waits for its extended handshake. */
export async function connectRawPeer(
  port: number,
  infoHash: string,
  extensions: Readonly<Record<string, number>>,
): Promise<RawPeer> {
  const socket = connect(port, '127.0.0.1')
  const theirs = new Map<string, number>()
  const heard: { id: number; dict: Map<string, unknown>; rest: Buffer }[] = []
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0])
  socket.write(
    Buffer.concat([
      Buffer.from([19]),
      Buffer.from('BitTorrent protocol'),
      reserved,
      Buffer.from(infoHash, 'hex'),
      Buffer.from('-RW0001-raw-peer-abc'),
    ]),
  )
  writeExtended(socket, 0, encode({ m: { ...extensions } }))
  let isShakenHands = false
  let pending = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    if (!isShakenHands && pending.length >= 68) {
      isShakenHands = true
      pending = pending.subarray(68)
    }
    while (isShakenHands && pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const message = pending.subarray(4, 4 + pending.readUInt32BE(0))
      pending = pending.subarray(4 + message.length)
      if (message[0] !== 20) continue
      const id = message[1] ?? 0
      const { dict, endOffset } = decodeDict(message.subarray(2))
      if (id !== 0) heard.push({ id, dict, rest: Buffer.from(message.subarray(2 + endOffset)) })
      const names = dict.get('m')
      if (id === 0 && names instanceof Map)
        for (const [name, number] of names) if (typeof number === 'number') theirs.set(name, number)
    }
  })
  const until = async (isIt: () => boolean, timeoutMs = 5000): Promise<void> => {
    for (const deadline = Date.now() + timeoutMs; !isIt();) {
      if (Date.now() > deadline) throw new Error('the peer did not do it in time')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await until(() => theirs.size > 0)
  return {
    extensions: theirs,
    heard,
    until,
    send: (name, message, rest = new Uint8Array()) =>
      writeExtended(socket, theirs.get(name) ?? 0, Buffer.concat([encode(message), rest])),
    isClosed: () => socket.destroyed || socket.closed,
    [Symbol.asyncDispose]: () => {
      socket.destroy()
      return Promise.resolve()
    },
  }
}

function writeExtended(socket: Socket, id: number, payload: Uint8Array): void {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(payload.length + 2)
  head[4] = 20
  head[5] = id
  socket.write(Buffer.concat([head, payload]))
}
