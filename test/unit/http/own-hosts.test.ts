import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ownHosts } from '../../../app/http/own-hosts.ts'

interface Connection {
  readonly host?: string
  readonly hosts?: readonly string[]
  readonly local?: string
  readonly remote?: string
  readonly port?: number
}

/** The parts of a request that say by which name and on which address it came. */
function request({ host, hosts = [], local = '127.0.0.1', remote = '127.0.0.1', port = 8765 }: Connection) {
  const values = host === undefined ? hosts : [host]
  return {
    rawHeaders: values.flatMap((value) => ['Host', value]),
    socket: { localAddress: local, remoteAddress: remote, localPort: port },
  } as unknown as IncomingMessage
}

describe('ownHosts', () => {
  it.each<[string, Connection, string]>([
    ['loopback', { host: '127.0.0.1:8765' }, '127.0.0.1:8765'],
    ['loopback by name', { host: 'LocalHost:8765' }, 'localhost:8765'],
    ['loopback, IPv6', { host: '[::1]:8765', local: '::1', remote: '::1' }, '[::1]:8765'],
    ['port 80, which no URL writes', { host: '127.0.0.1', port: 80 }, '127.0.0.1'],
    [
      'a house, from the house',
      { host: '192.168.1.5:8765', local: '::ffff:192.168.1.5', remote: '::ffff:192.168.1.9' },
      '192.168.1.5:8765',
    ],
    ['the internet', { host: '9.9.9.9:8765', local: '9.9.9.9', remote: '1.1.1.1' }, '9.9.9.9:8765'],
  ])('takes the address the connection came in on: %s', (_what, connection, expected) => {
    expect(ownHosts(request(connection), null)).toEqual([expected])
  })

  it.each<[string, Connection]>([
    ['another name', { host: 'evil.example:8765' }],
    ['a name without a port', { host: 'localhost' }],
    ['another port', { host: '127.0.0.1:8766' }],
    ['another address', { host: '192.168.1.6:8765', local: '192.168.1.5', remote: '192.168.1.9' }],
    [
      'a house’s address, asked from outside',
      { host: '192.168.1.5:8765', local: '192.168.1.5', remote: '9.9.9.9' },
    ],
    ['localhost, asked from outside', { host: 'localhost:8765', local: '9.9.9.9', remote: '1.1.1.1' }],
    ['none', {}],
    ['two', { hosts: ['127.0.0.1:8765', '127.0.0.1:8765'] }],
    ['noise', { host: 'a b:8765' }],
  ])('takes no host that could be somebody else’s: %s', (_what, connection) => {
    expect(() => ownHosts(request(connection), null)).toThrow(
      expect.objectContaining({ code: 'MISDIRECTED' }),
    )
  })

  it('knows the public address, whatever the request calls it', () => {
    const publicUrl = 'https://Media.Example:8443/sower/'
    expect(ownHosts(request({ host: 'evil.example' }), publicUrl)).toEqual(['media.example:8443'])
    expect(ownHosts(request({ host: '127.0.0.1:8765' }), publicUrl)).toEqual([
      'media.example:8443',
      '127.0.0.1:8765',
    ])
  })
})
