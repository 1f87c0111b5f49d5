import { Readable } from 'node:stream'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../app/contract/index.ts'
import { HttpSource, type OutboundRequests } from '../../app/fetching/http-source.ts'
import { NodeLogins } from '../../app/fetching/node-logins.ts'
import { webSourcesOf } from '../../app/fetching/web-source.ts'
import { loginMessage } from '../../app/vault/index.ts'
import { testSigner } from '../support/fetch-node.ts'

const ID = 'ab'.repeat(32)
const CHALLENGE = 'c'.repeat(43)
const never = new AbortController().signal
const signer = testSigner('somebody')

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly maxRedirects: number | undefined
  readonly body: Record<string, string> | undefined
}

interface SetUp {
  /** Of requests with a token, and without. */
  readonly status?: { readonly known: number; readonly stranger: number }
  readonly isWalletOpen?: boolean
  readonly isRefusing?: boolean
  readonly expiresInMs?: number
}

function setUp({ status, isWalletOpen = true, isRefusing = false, expiresInMs = 3_600_000 }: SetUp = {}) {
  const seen: Seen[] = []
  const clock = { nowMs: () => now.ms }
  const now = { ms: Date.parse('2026-01-01T00:00:00Z') }
  const answer = (statusCode: number, body: unknown) => ({
    status: statusCode,
    headers: {},
    body: Readable.from([Buffer.from(JSON.stringify(body))]),
    finalUrl: '',
  })
  const outbound: OutboundRequests = {
    request: (address, { method = 'GET', headers = {}, maxRedirects, requestBody }) => {
      const url = new URL(address)
      const authorization = headers['authorization']
      const body = requestBody === undefined ? undefined : (JSON.parse(requestBody) as Record<string, string>)
      seen.push({ method, url: url.href, authorization, maxRedirects, body })
      const expiresAt = new Date(now.ms + expiresInMs).toISOString()
      if (url.pathname.endsWith('/api/auth/challenge'))
        return Promise.resolve(answer(isRefusing ? 429 : 200, { challenge: CHALLENGE, expiresAt }))
      if (url.pathname.endsWith('/api/auth/token'))
        return Promise.resolve(answer(200, { token: `token-${String(seen.length)}`, expiresAt }))
      const { known = 200, stranger = 404 } = status ?? {}
      return Promise.resolve(answer(authorization === undefined ? stranger : known, { name: 'it' }))
    },
  }
  const logins = new NodeLogins({
    outbound,
    signer: () => {
      if (isWalletOpen) return signer
      throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    },
    clock,
  })
  const source = (
    address: string,
    kind: 'typed' | 'linked' | 'named' = 'typed',
    mayLogIn = false,
  ): HttpSource => {
    const [found] = webSourcesOf({
      kind: 'sower',
      mediaId: ID,
      typed: kind === 'typed' ? [address] : [],
      linked: kind === 'linked' ? [address] : [],
      named: kind === 'named' ? [address] : [],
      mayLogIn: { linked: mayLogIn, named: mayLogIn },
    })
    if (found === undefined) throw new Error('no source')
    return new HttpSource(found, outbound, logins)
  }
  const paths = () => seen.map(({ method, url }) => `${method} ${new URL(url).pathname}`)
  return { source, seen, paths, now }
}

describe('a node that keeps an item from strangers', () => {
  it('is asked again by somebody who has proven who they are, once for all requests', async () => {
    const { source, seen, paths } = setUp()
    const typed = source(`https://node.example/sower/media/${ID}`)
    expect(await typed.info(never, 1000)).toEqual({ name: 'it' })
    await typed.info(never, 1000)
    expect(paths()).toEqual([
      `GET /sower/api/media/${ID}/info`,
      'POST /sower/api/auth/challenge',
      'POST /sower/api/auth/token',
      `GET /sower/api/media/${ID}/info`,
      `GET /sower/api/media/${ID}/info`,
    ])
    const proof = seen[2]?.body
    expect(proof).toMatchObject({ publicKey: signer.publicKey, challenge: CHALLENGE })
    const isSigned = secp256k1.verify(
      Buffer.from(proof?.['signature'] ?? '', 'base64url'),
      loginMessage('node.example', CHALLENGE),
      Buffer.from(signer.publicKey, 'hex'),
      { prehash: false, lowS: true },
    )
    expect(isSigned).toBe(true)
    // The token goes nowhere but there: no redirect is followed with it.
    expect(seen.filter(({ authorization }) => authorization !== undefined)).toEqual([
      expect.objectContaining({ authorization: 'Bearer token-3', maxRedirects: 0 }),
      expect.objectContaining({ authorization: 'Bearer token-3', maxRedirects: 0 }),
    ])
    await source('https://other.example/').info(never, 1000)
    expect(
      seen.filter(({ url, authorization }) => url.includes('other') && authorization === 'Bearer token-3'),
    ).toEqual([])
  })

  it.each([
    ['a link’s node, unless the link is of an encrypted item', 'https://node.example/', 'linked', false, 1],
    ['a link’s node, of an encrypted item', 'https://node.example/', 'linked', true, 4],
    ['a manifest’s node, unless this node can open the manifest', 'https://node.example/', 'named', false, 1],
    ['a public address without TLS', 'http://node.example/', 'typed', false, 1],
    ['a public IP address without TLS', 'http://93.184.216.34:8765/', 'typed', false, 1],
    ['an address of this network', 'http://192.168.1.5:8765/', 'typed', false, 4],
    ['this machine', 'http://localhost:8765/', 'typed', false, 4],
    ['a file on an ordinary server', 'https://files.example/film.mp4', 'typed', false, 0],
  ] as const)('is told who asks or not: %s', async (_what, address, kind, mayLogIn, requests) => {
    const { source, paths } = setUp()
    await source(address, kind, mayLogIn)
      .info(never, 1000)
      .catch(() => undefined)
    expect(paths()).toHaveLength(requests)
  })

  it('is not asked for a token again when it refused, until a minute later', async () => {
    const { source, paths, now } = setUp({ isRefusing: true })
    const typed = source('https://node.example/')
    await expect(typed.info(never, 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(typed.info(never, 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(1)
    now.ms += 61_000
    await typed.info(never, 1000).catch(() => undefined)
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(2)
  })

  it('learns nothing while the wallet is not open', async () => {
    const { source, paths } = setUp({ isWalletOpen: false })
    await expect(source('https://node.example/').info(never, 1000)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(paths()).toHaveLength(1)
  })

  it('is believed when it does not have the item for somebody it knows either', async () => {
    const { source, paths } = setUp({ status: { known: 404, stranger: 404 } })
    const typed = source('https://node.example/')
    await expect(typed.info(never, 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(typed.info(never, 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(paths().filter((path) => path.startsWith('POST'))).toHaveLength(2)
  })

  it('is asked for a new token when the old one is over', async () => {
    const { source, paths, now } = setUp({ expiresInMs: 120_000 })
    const typed = source('https://node.example/')
    await typed.info(never, 1000)
    now.ms += 100_000
    await typed.info(never, 1000)
    expect(paths().filter((path) => path.endsWith('/token'))).toHaveLength(2)
  })
})
