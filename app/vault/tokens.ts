import { randomUUID } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeKeyPair } from './node-key.ts'

const MAX_TOKEN_CHARS = 4096
export const TOKEN_TTL_MS = 60 * 60 * 1000

const Claims = z.object({
  publicKey: z.string().regex(/^0[23][0-9a-f]{64}$/),
  scope: z.string().min(1).max(64),
  jti: z.string().min(1).max(128),
})

export interface TokenBearer {
  /** 66 hex: whose token it is. */
  readonly publicKey: string
  readonly scope: string
}

/**
 * A JWT for the owner, signed by the node key, good for this node only.
 * @see RFC 7519, RFC 8037 (EdDSA)
 */
export async function issueToken(
  keys: NodeKeyPair,
  { owner, ttlMs, clock }: { owner: string; ttlMs: number; clock: Clock },
): Promise<{ token: string; expiresAtMs: number }> {
  const { nodeId } = keys.nodeKey
  const issuedAt = Math.floor(clock.nowMs() / 1000)
  const expiresAt = issuedAt + Math.ceil(ttlMs / 1000)
  const token = await new SignJWT({ publicKey: owner, scope: 'owner' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: nodeId })
    .setIssuer(nodeId)
    .setAudience(nodeId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(keys.privateKey)
  return { token, expiresAtMs: expiresAt * 1000 }
}

/**
 * Who a token speaks for. One algorithm, one issuer, one audience, whatever its header says.
 * @throws {AppError} `UNAUTHORIZED`, with the same words for every reason
 * @see RFC 8725 (JWT best current practices)
 */
export async function verifyToken(keys: NodeKeyPair, token: string, clock: Clock): Promise<TokenBearer> {
  if (token.length > MAX_TOKEN_CHARS) throw unauthorized(undefined)
  try {
    const { nodeId } = keys.nodeKey
    const { payload } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['EdDSA'],
      typ: 'JWT',
      issuer: nodeId,
      audience: nodeId,
      requiredClaims: ['exp', 'iat', 'jti'],
      currentDate: new Date(clock.nowMs()),
    })
    const { publicKey, scope } = Claims.parse(payload)
    return { publicKey, scope }
  } catch (cause) {
    throw unauthorized(cause)
  }
}

function unauthorized(cause: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'This token is not valid here, or it has expired.', {
    hint: 'Get a new one with “sower token”.',
    cause,
  })
}
