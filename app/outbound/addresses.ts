import { BlockList, isIP } from 'node:net'

/**
 * Everything that is not the public internet: this machine, local networks, cloud metadata, documentation,
 * benchmarks, multicast, reserved. Sources: the IANA special-purpose address registries (RFC 6890 and its
 * updates); 168.63.129.16 is Azure's host channel, a global address that reaches only the own machine's host.
 */
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['168.63.129.16', 32],
]

/** Inside 2000::/3 (the only global unicast range), what is special: Teredo and other protocols, documentation, 6to4. */
const SPECIAL_IPV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const special = new BlockList()
for (const [address, bits] of SPECIAL_IPV4) special.addSubnet(address, bits, 'ipv4')
for (const [address, bits] of SPECIAL_IPV6) special.addSubnet(address, bits, 'ipv6')

const unicast = new BlockList()
unicast.addSubnet('2000::', 3, 'ipv6')

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/**
 * Whether an IP address belongs to the public internet. IPv4-mapped IPv6 is judged as the IPv4 address it
 * is; NAT64, 6to4 and Teredo, which can carry a private IPv4 address inside, are never global here.
 * @param address an IP address as the resolver gave it (no brackets; a zone is ignored); anything else is not global
 */
export function isGlobalAddress(address: string): boolean {
  const bare = address.split('%')[0] ?? ''
  const family = isIP(bare)
  if (family === 4) return !special.check(bare, 'ipv4')
  if (family !== 6) return false
  if (mapped.check(bare, 'ipv6')) return isGlobalAddress(unmap(bare))
  return unicast.check(bare, 'ipv6') && !special.check(bare, 'ipv6')
}

/** The IPv4 address inside `::ffff:0:0/96`. */
function unmap(address: string): string {
  // WHATWG URL is the one canonicaliser at hand: it always writes the last 32 bits as two hex groups.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(':')
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group, 16) || 0)
  const bits = (((high ?? 0) << 16) | (low ?? 0)) >>> 0
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.')
}
