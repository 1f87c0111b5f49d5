import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../app/ports/log.ts'
import { openNodeKey } from '../../../app/vault/node-key.ts'
import type { NodeKeyPair } from '../../../app/vault/node-key.ts'
import { oipSecretFrom } from '../../../app/vault/oip-secret.ts'
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
    const { token, expiresAtMs } = await issueToken(keys, {
      publicKey: owner,
      scope: 'owner',
      ttlMs: HOUR,
      clock,
    })
    expect(expiresAtMs).toBe(nowMs + HOUR)
    expect(await verifyToken(keys, token, { clock })).toEqual({ publicKey: owner, scope: 'owner' })
    nowMs = expiresAtMs - 1000
    expect(await verifyToken(keys, token, { clock })).toEqual({ publicKey: owner, scope: 'owner' })
    nowMs = expiresAtMs
    await expect(verifyToken(keys, token, { clock })).rejects.toEqual(refusal)
  })

  it('are each their own', async () => {
    const first = await issueToken(keys, { publicKey: owner, scope: 'owner', ttlMs: HOUR, clock })
    const second = await issueToken(keys, { publicKey: owner, scope: 'owner', ttlMs: HOUR, clock })
    expect(first.token).not.toBe(second.token)
  })

  it('accepts the hand-made token that the refusals below are variations of', async () => {
    expect(await verifyToken(keys, signed(claims()), { clock })).toEqual({ publicKey: owner, scope: 'owner' })
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
    await expect(verifyToken(keys, make(), { clock })).rejects.toEqual(refusal)
  })

  it('refuses HS256 with the public key as the secret', async () => {
    const pem = keys.publicKey.export({ type: 'spki', format: 'pem' })
    const raw = Buffer.from(keys.nodeKey.publicKeyHex, 'hex')
    for (const secret of [pem, raw]) {
      const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims())}`
      const mac = createHmac('sha256', secret).update(text).digest('base64url')
      await expect(verifyToken(keys, `${text}.${mac}`, { clock })).rejects.toEqual(refusal)
    }
  })

  it('refuses a token of another node, even with its key in the header', async () => {
    const other = generateKeyPairSync('ed25519')
    const text = `${part({ alg: 'EdDSA', typ: 'JWT', jwk: other.publicKey.export({ format: 'jwk' }) })}.${part(claims())}`
    const token = `${text}.${sign(null, Buffer.from(text), other.privateKey).toString('base64url')}`
    await expect(verifyToken(keys, token, { clock })).rejects.toEqual(refusal)
  })
})

describe('tokens of an OIP server', () => {
  const oipSecret = Buffer.from('a secret that two servers share, long enough')
  /** As OIP makes them: HS256, a user's key, no issuer and no audience. */
  const oip = (change: object = {}, header: object = {}, secret: Uint8Array = oipSecret): string => {
    const iat = nowMs / 1000
    const payload = {
      userId: 'x',
      email: 'a@b.c',
      publicKey: owner,
      isAdmin: true,
      iat,
      exp: iat + 60,
      ...change,
    }
    const text = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(payload)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }

  it('say who their user is, and nothing of what they may', async () => {
    expect(await verifyToken(keys, oip(), { clock, oipSecret })).toEqual({
      publicKey: owner,
      scope: 'reader',
    })
    expect(await verifyToken(keys, oip({ aud: keys.nodeKey.nodeId }), { clock, oipSecret })).toEqual({
      publicKey: owner,
      scope: 'reader',
    })
  })

  it('are this node’s owner’s when they name their key', async () => {
    expect(await verifyToken(keys, oip(), { clock, oipSecret, owner })).toEqual({
      publicKey: owner,
      scope: 'owner',
    })
  })

  it('are refused when no secret is shared', async () => {
    await expect(verifyToken(keys, oip(), { clock })).rejects.toEqual(refusal)
  })

  it('leave this node’s own tokens as they are', async () => {
    expect(await verifyToken(keys, signed(claims()), { clock, oipSecret })).toEqual({
      publicKey: owner,
      scope: 'owner',
    })
  })

  it.each<[string, () => string]>([
    ['another secret', () => oip({}, {}, Buffer.from('another secret of more than 32 bytes'))],
    ['an empty secret', () => oip({}, {}, Buffer.alloc(0))],
    ['the node’s public key as the secret', () => oip({}, {}, Buffer.from(keys.nodeKey.publicKeyHex, 'hex'))],
    ['no expiry', () => oip({ exp: undefined })],
    ['a time that is past', () => oip({ exp: nowMs / 1000 - 1 })],
    ['no user’s key', () => oip({ publicKey: undefined })],
    ['a key that is none', () => oip({ publicKey: '02zz' })],
    ['another audience', () => oip({ aud: 'another service' })],
    ['another issuer', () => oip({ iss: 'another service' })],
    ['a scope of less than everything', () => oip({ scope: 'calendar-read-only', tokenType: 'calendar' })],
    ['a scope it gives itself', () => oip({ scope: 'owner' })],
    ['a critical extension', () => oip({}, { crit: ['exp2'], exp2: 1 })],
    ['HS512 said, HS256 done', () => oip({}, { alg: 'HS512' })],
    [
      'algorithm none',
      () => `${part({ alg: 'none', typ: 'JWT' })}.${part({ publicKey: owner, exp: nowMs / 1000 + 60 })}.`,
    ],
    ['EdDSA said, HS256 done', () => oip({}, { alg: 'EdDSA' })],
    ['HS256 said, EdDSA done', () => signed(claims(), { alg: 'HS256' })],
    ['more than 4 KiB', () => oip({ filler: 'x'.repeat(4096) })],
  ])('are refused with %s', async (_name, make) => {
    await expect(verifyToken(keys, make(), { clock, oipSecret, owner })).rejects.toEqual(refusal)
  })
})

describe('oipSecretFrom', () => {
  it('takes none, and 32 characters or more', () => {
    expect(oipSecretFrom({})).toBeUndefined()
    expect(oipSecretFrom({ JWT_SECRET: '' })).toBeUndefined()
    expect(oipSecretFrom({ JWT_SECRET: 'x'.repeat(32) })).toEqual(Buffer.from('x'.repeat(32)))
  })

  it('takes none that can be guessed, and does not say it', () => {
    expect(() => oipSecretFrom({ JWT_SECRET: 'your_jwt_secret_key_here' })).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        message: expect.not.stringContaining('your_jwt') as string,
      }),
    )
  })
})
