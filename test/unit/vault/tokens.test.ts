import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../app/ports/log.ts'
import { openNodeKey } from '../../../app/vault/node-key.ts'
import type { NodeKeyPair } from '../../../app/vault/node-key.ts'
import { issueToken, verifyToken } from '../../../app/vault/tokens.ts'

const owner = `02${'ab'.repeat(32)}`
const HOUR = 3_600_000
let folder: string
let nowMs: number
let keys: NodeKeyPair
const clock = { nowMs: () => nowMs }

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 22)
  folder = mkdtempSync(join(tmpdir(), 'sower-tokens-'))
  keys = openNodeKey(folder, { log: silentLog, clock })
})
afterEach(() => rmSync(folder, { recursive: true }))

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = (overrides: object = {}): object => {
  const { nodeId } = keys.nodeKey
  const now = nowMs / 1000
  return {
    publicKey: owner,
    scope: 'owner',
    iss: nodeId,
    aud: nodeId,
    iat: now,
    exp: now + 60,
    jti: 'x',
    ...overrides,
  }
}
/** A token signed by this node's key, whatever it says. */
const signed = (payload: object, header: object = {}): string => {
  const text = `${part({ alg: 'EdDSA', typ: 'JWT', ...header })}.${part(payload)}`
  return `${text}.${Buffer.from(sign(null, Buffer.from(text), keys.privateKey)).toString('base64url')}`
}
const refusal = expect.objectContaining({
  code: 'UNAUTHORIZED',
  message: 'This token is not valid here, or it has expired.',
}) as Error

describe('tokens', () => {
  it('speak for the owner, for an hour', async () => {
    const { token, expiresAtMs } = await issueToken(keys, { owner, ttlMs: HOUR, clock })
    expect(expiresAtMs).toBe(nowMs + HOUR)
    expect(await verifyToken(keys, token, clock)).toEqual({ publicKey: owner, scope: 'owner' })
    nowMs = expiresAtMs - 1000
    expect(await verifyToken(keys, token, clock)).toEqual({ publicKey: owner, scope: 'owner' })
    nowMs = expiresAtMs
    await expect(verifyToken(keys, token, clock)).rejects.toEqual(refusal)
  })

  it('are each their own', async () => {
    const first = await issueToken(keys, { owner, ttlMs: HOUR, clock })
    const second = await issueToken(keys, { owner, ttlMs: HOUR, clock })
    expect(first.token).not.toBe(second.token)
  })

  it('accepts the hand-made token that the refusals below are variations of', async () => {
    expect(await verifyToken(keys, signed(claims()), clock)).toEqual({ publicKey: owner, scope: 'owner' })
  })

  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['noise', () => 'a.b.c'],
    ['another audience', () => signed(claims({ aud: 'somebody else' }))],
    ['another issuer', () => signed(claims({ iss: 'somebody else' }))],
    ['no expiry', () => signed({ ...claims(), exp: undefined })],
    ['a time that is past', () => signed(claims({ exp: nowMs / 1000 - 1 }))],
    ['a time that is to come', () => signed(claims({ nbf: nowMs / 1000 + 600 }))],
    ['no id', () => signed(claims({ jti: undefined }))],
    ['no owner', () => signed(claims({ publicKey: undefined }))],
    ['an owner that is no key', () => signed(claims({ publicKey: 'x' }))],
    ['a critical extension', () => signed(claims(), { crit: ['exp2'], exp2: 1 })],
    ['another type', () => signed(claims(), { typ: 'dpop+jwt' })],
    ['more than 4 KiB', () => signed(claims({ filler: 'x'.repeat(4096) }))],
    ['algorithm none', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims())}.`],
    ['no signature', () => signed(claims()).replace(/\.[^.]*$/, '.')],
  ])('refuses %s', async (_name, make) => {
    await expect(verifyToken(keys, make(), clock)).rejects.toEqual(refusal)
  })

  it('refuses HS256 with the public key as the secret', async () => {
    const pem = keys.publicKey.export({ type: 'spki', format: 'pem' })
    const raw = Buffer.from(keys.nodeKey.publicKeyHex, 'hex')
    for (const secret of [pem, raw]) {
      const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims())}`
      const mac = createHmac('sha256', secret).update(text).digest('base64url')
      await expect(verifyToken(keys, `${text}.${mac}`, clock)).rejects.toEqual(refusal)
    }
  })

  it('refuses a token of another node, even with its key in the header', async () => {
    const other = generateKeyPairSync('ed25519')
    const text = `${part({ alg: 'EdDSA', typ: 'JWT', jwk: other.publicKey.export({ format: 'jwk' }) })}.${part(claims())}`
    const token = `${text}.${sign(null, Buffer.from(text), other.privateKey).toString('base64url')}`
    await expect(verifyToken(keys, token, clock)).rejects.toEqual(refusal)
  })
})
