import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'

interface Transmission extends AsyncDisposable {
  readonly peerPort: number
  /** Adds a torrent file (bytes) or a magnet link; its data lie in `dir` under the torrent's name. */
  add(torrent: {
    readonly metainfo?: Uint8Array
    readonly magnet?: string
    readonly dir: string
  }): Promise<void>
  /** Resolves when everything added is complete. */
  complete(timeoutMs?: number): Promise<void>
}

/** Debian's transmission-daemon on loopback, alone: no DHT, LPD, PEX, µTP, port mapping. */
export async function startTransmission(home: string): Promise<Transmission> {
  const [rpcPort, peerPort] = [await freePort(), await freePort()]
  await mkdir(home, { recursive: true })
  await writeFile(
    join(home, 'settings.json'),
    JSON.stringify({
      'bind-address-ipv4': '127.0.0.1',
      'bind-address-ipv6': '::1',
      'dht-enabled': false,
      'lpd-enabled': false,
      'pex-enabled': false,
      'utp-enabled': false,
      'port-forwarding-enabled': false,
      'peer-port': peerPort,
      'rpc-bind-address': '127.0.0.1',
      'rpc-port': rpcPort,
      'rpc-authentication-required': false,
      'rpc-whitelist-enabled': false,
      'trash-original-torrent-files': false,
    }),
  )
  const child = new Child('/usr/bin/transmission-daemon', ['--foreground', '--config-dir', home])
  const rpc = makeRpc(`http://127.0.0.1:${String(rpcPort)}/transmission/rpc`)
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    try {
      await rpc('session-get', {})
      break
    } catch (error) {
      if (Date.now() < deadline) continue
      await child.stop()
      throw error
    }
  }
  return {
    peerPort,
    add: async ({ metainfo, magnet, dir }) => {
      await rpc('torrent-add', {
        'download-dir': dir,
        ...(metainfo === undefined
          ? { filename: magnet }
          : { metainfo: Buffer.from(metainfo).toString('base64') }),
      })
    },
    complete: async (timeoutMs = 45_000) => {
      for (const deadline = Date.now() + timeoutMs; ; await sleep(100)) {
        const { torrents } = await rpc('torrent-get', {
          fields: ['percentDone', 'metadataPercentComplete', 'status', 'errorString'],
        })
        const list = Array.isArray(torrents) ? (torrents as Record<string, unknown>[]) : [] // transmission's own answer
        if (list.length > 0 && list.every((one) => one['percentDone'] === 1 && one['status'] === 6)) return
        if (Date.now() > deadline) throw new Error(`transmission did not finish: ${JSON.stringify(list)}`)
      }
    },
    [Symbol.asyncDispose]: () => child.stop(),
  }
}

function makeRpc(url: string): (method: string, args: object) => Promise<Record<string, unknown>> {
  let sessionId = ''
  const call = async (method: string, args: object): Promise<Record<string, unknown>> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-transmission-session-id': sessionId },
      body: JSON.stringify({ method, arguments: args }),
    })
    const text = await response.text()
    if (response.status === 409) {
      sessionId = response.headers.get('x-transmission-session-id') ?? ''
      return call(method, args)
    }
    const answer = JSON.parse(text) as { result: string; arguments: Record<string, unknown> } // documented RPC form
    if (answer.result !== 'success') throw new Error(answer.result)
    return answer.arguments
  }
  return call
}

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}
