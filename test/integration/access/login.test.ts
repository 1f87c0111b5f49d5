import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../app/http/limits.ts'
import { ask, askRaw, json, startTestNode } from '../http/test-node.ts'
import type { TestNode } from '../http/test-node.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { challengeFor, logIn, post, proofOf } from './login.ts'

const alice = testSigner(7)
const mallory = testSigner(9)
let node: TestNode
let host: string
let privateId: string

beforeAll(async () => {
  node = await startTestNode()
  ;({ host } = new URL(node.url))
  privateId = (await node.add(randomBytes(100), { accessLevel: 'private' })).mediaId
})
afterAll(() => node.stop())

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe('logging in with an owner key', () => {
  it('gives the node’s owner a token that is as good as the one of the command line', async () => {
    const token = await logIn(node.url, node.vault.signer())
    expect(await node.vault.verifyToken(token)).toEqual({ publicKey: node.owner, scope: 'owner' })
    expect((await ask(`${node.url}/media/${privateId}`, bearer(token))).status).toBe(200)
  })

  it('gives everybody else one that says who they are and opens nothing by itself', async () => {
    const token = await logIn(node.url, alice)
    expect(await node.vault.verifyToken(token)).toEqual({ publicKey: alice.publicKey, scope: 'reader' })
    expect((await ask(`${node.url}/media/${privateId}`, bearer(token))).status).toBe(404)
    const upload = await post(
      `${node.url}/api/media/upload`,
      { source: 'base64', data: 'AAAA' },
      { authorization: `Bearer ${token}` },
    )
    expect(upload.status).toBe(403)
  })

  it('says until when the challenge and the token hold', async () => {
    const asked = json(await post(`${node.url}/api/auth/challenge`, { publicKey: alice.publicKey })) as {
      challenge: string
      expiresAt: string
    }
    expect(Date.parse(asked.expiresAt) - Date.now()).toBeGreaterThan(110_000)
    expect(Date.parse(asked.expiresAt) - Date.now()).toBeLessThanOrEqual(120_000)
    const answer = await post(`${node.url}/api/auth/token`, proofOf(alice, host, asked.challenge))
    const { expiresAt } = json(answer) as { expiresAt: string }
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(59 * 60_000)
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('works while the wallet is locked', async () => {
    const locked = await startTestNode()
    try {
      locked.vault.close()
      expect(await locked.vault.verifyToken(await logIn(locked.url, alice))).toMatchObject({
        scope: 'reader',
      })
    } finally {
      await locked.stop()
    }
  })
})

describe('a log-in is refused', () => {
  const refused = async (proof: object): Promise<void> => {
    const answer = await post(`${node.url}/api/auth/token`, proof)
    expect(answer.status).toBe(401)
    expect(json(answer)).toMatchObject({ code: 'UNAUTHORIZED', detail: 'This log-in does not hold.' })
  }

  it('the second time', async () => {
    const proof = proofOf(alice, host, await challengeFor(node.url, alice.publicKey))
    expect((await post(`${node.url}/api/auth/token`, proof)).status).toBe(200)
    await refused(proof)
  })

  it('after a wrong signature, even with the right one', async () => {
    const challenge = await challengeFor(node.url, alice.publicKey)
    await refused({ ...proofOf(mallory, host, challenge), publicKey: alice.publicKey })
    await refused(proofOf(alice, host, challenge))
  })

  it('with a challenge that was given to somebody else', async () => {
    await refused(proofOf(mallory, host, await challengeFor(node.url, alice.publicKey)))
  })

  it('with a challenge of another node, or made up', async () => {
    const other = await startTestNode()
    try {
      await refused(proofOf(alice, host, await challengeFor(other.url, alice.publicKey)))
    } finally {
      await other.stop()
    }
    await refused(proofOf(alice, host, randomBytes(54).toString('base64url')))
  })

  it('when it was signed for another node’s address', async () => {
    const challenge = await challengeFor(node.url, alice.publicKey)
    await refused(proofOf(alice, 'evil.example', challenge))
  })

  it('when another node passes it on and names itself as the host', async () => {
    const challenge = await challengeFor(node.url, alice.publicKey)
    const proof = JSON.stringify(proofOf(alice, 'evil.example', challenge))
    const head = `Content-Type: application/json\r\nContent-Length: ${proof.length}\r\nConnection: close\r\n\r\n`
    const forged = await askRaw(
      node.url,
      `POST /api/auth/token HTTP/1.1\r\nHost: evil.example\r\n${head}${proof}`,
    )
    expect(forged).toMatch(/^HTTP\/1\.1 421 /)
    const doubled = await askRaw(
      node.url,
      `POST /api/auth/token HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\n${head}${proof}`,
    )
    expect(doubled).toMatch(/^HTTP\/1\.1 4/)
  })

  it.each([
    ['publicKey', { publicKey: 'x' }],
    ['publicKey', { publicKey: alice.publicKey.toUpperCase() }],
    ['signature', { signature: 'x' }],
    ['challenge', { challenge: 7 }],
    ['', { more: 1 }],
  ])('when its %s is not of the form', async (field, change) => {
    const proof = proofOf(alice, host, await challengeFor(node.url, alice.publicKey))
    const answer = await post(`${node.url}/api/auth/token`, { ...proof, ...change })
    expect(answer.status).toBe(400)
    expect(json(answer)).toMatchObject({ code: 'BAD_REQUEST' })
    expect(answer.body.toString()).toContain(`“${field}”`)
  })

  it('with a key that is on no curve', async () => {
    const publicKey = `02${'ff'.repeat(32)}`
    const challenge = await challengeFor(node.url, publicKey)
    await refused({ ...proofOf(alice, host, challenge), publicKey })
  })

  it('when it is larger than one', async () => {
    const answer = await post(`${node.url}/api/auth/challenge`, { publicKey: 'x'.repeat(3000) })
    expect(answer.status).toBe(413)
  })
})

describe('a public address', () => {
  it('is a host to sign for, whatever name the proxy calls the node by', async () => {
    const behind = await startTestNode({ settings: { publicUrl: 'https://Media.Example/' } })
    try {
      const challenge = await challengeFor(behind.url, alice.publicKey)
      const answer = await post(`${behind.url}/api/auth/token`, proofOf(alice, 'media.example', challenge))
      expect(answer.status).toBe(200)
    } finally {
      await behind.stop()
    }
  })
})

describe('too many log-ins', () => {
  it('are answered 429', async () => {
    const few = { ratePerSec: 0.5, burst: 2 }
    const limits = { rates: { ...DEFAULT_LIMITS.rates, login: { stranger: few, loopback: few } } }
    const limited = await startTestNode({ limits })
    try {
      const statuses: number[] = []
      for (let round = 0; round < 3; round += 1) {
        const answer = await post(`${limited.url}/api/auth/challenge`, { publicKey: alice.publicKey })
        statuses.push(answer.status)
      }
      expect(statuses).toEqual([200, 200, 429])
    } finally {
      await limited.stop()
    }
  })
})
