import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const TRIES = 50

/**
 * The first port from `fromPort` upwards that can be listened on, or any free one when the next 50 are taken.
 * @param host `undefined` = all addresses of this computer
 */
export async function findFreePort(
  host: string | undefined,
  fromPort: number,
  reserved: readonly number[] = [],
): Promise<number> {
  for (let port = fromPort; port < Math.min(fromPort + TRIES, 65_536); port += 1) {
    if (reserved.includes(port)) continue
    const free = await tryListen(host, port)
    if (free !== undefined) return free
  }
  return (await tryListen(host, 0)) ?? 0
}

function tryListen(host: string | undefined, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen({ host, port }, () => {
      // A TCP server's address is never a string.
      const { port: bound } = probe.address() as AddressInfo
      probe.close(() => resolve(bound))
    })
  })
}
