import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { AppError } from '../contract/index.ts'
import { isGlobalAddress } from '../outbound/index.ts'

const HTTP_PORT = '80'

/**
 * The names under which whoever sent `req` may have meant this node, as `URL.host` writes them. Never simply what the Host
 * header says: another node could pass on a log-in that was meant for itself, and name itself there.
 * @param publicUrl what the operator says others call it
 * @returns the public name, and the header's where it is the very address the connection came in on; at least one
 * @throws {AppError} `MISDIRECTED` when none of them can be known to be ours
 */
export function ownHosts(req: IncomingMessage, publicUrl: string | null): readonly string[] {
  const publicHost = publicUrl === null ? undefined : new URL(publicUrl).host
  const asked = hostOf(req)
  const hosts = [
    ...(publicHost === undefined ? [] : [publicHost]),
    ...(asked !== undefined && asked !== publicHost && isOwnAddress(asked, req) ? [asked] : []),
  ]
  if (hosts.length > 0) return hosts
  throw new AppError(
    'MISDIRECTED',
    'This node does not know that name as its own, so nobody can log in by it.',
    {
      hint: 'Use its IP address, or let its operator set “publicUrl” to the address others use.',
    },
  )
}

/** Exactly one Host header, lower case. */
function hostOf({ rawHeaders }: IncomingMessage): string | undefined {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  )
  return values.length === 1 ? values[0]?.toLowerCase() : undefined
}

function isOwnAddress(host: string, { socket }: IncomingMessage): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host)
  const [, name = '', port = HTTP_PORT] = match ?? []
  if (port !== String(socket.localPort)) return false
  const local = plain(socket.localAddress)
  const remote = plain(socket.remoteAddress)
  const isLoopback = local === '::1' || local.startsWith('127.')
  if (name === 'localhost') return isLoopback
  const address = name.replace(/^\[|\]$/g, '')
  if (isIP(address) === 0 || address !== local) return false
  // Every house has its 192.168.1.5: from outside, that name could have been meant for another one.
  return isLoopback || isGlobalAddress(local) || !isGlobalAddress(remote)
}

function plain(address: string | undefined): string {
  return (address ?? '').toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
}
