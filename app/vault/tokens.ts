import { randomUUID } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeKeyPair } from './node-key.ts'

const MAX_TOKEN_CHARS = 4096
export const TOKEN_TTL_MS = 60 * 60 * 1000

const PublicKey = z.string().regex(/^0[23][0-9a-f]{64}$/)
const Claims = z.object({
  publicKey: PublicKey,
  scope: z.enum(['owner', 'reader']),
  jti: z.string().min(1).max(128),
})
/** A token made for less than everything (OIP's calendars) or for another service is not one for media. */
const OipClaims = z.object({
  publicKey: PublicKey,
  scope: z.undefined().optional(),
  tokenType: z.undefined().optional(),
})

export interface TokenBearer {
  /** 66 hex: whose token it is. */
  readonly publicKey: string
  /** `owner`: may do what this node's owner may; `reader`: may read what they were given. */
  readonly scope: 'owner' | 'reader'
}

interface IssueOptions extends TokenBearer {
  readonly ttlMs: number
  readonly clock: Clock
}

/**
 * A JWT for whoever proved to hold `publicKey`, signed by the node key, good for this node only.
 * @see RFC 7519, RFC 8037 (EdDSA)
 */
export async function issueToken(
  keys: NodeKeyPair,
  { publicKey, scope, ttlMs, clock }: IssueOptions,
): Promise<{ token: string; expiresAtMs: number }> {
  const { nodeId } = keys.nodeKey
  const issuedAt = Math.floor(clock.nowMs() / 1000)
  const expiresAt = issuedAt + Math.ceil(ttlMs / 1000)
  const token = await new SignJWT({ publicKey, scope })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: nodeId })
    .setIssuer(nodeId)
    .setAudience(nodeId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(keys.privateKey)
  return { token, expiresAtMs: expiresAt * 1000 }
}

interface VerifyOptions {
  readonly clock: Clock
  /** HS256 secret of an OIP server whose users are believed here. */
  readonly oipSecret?: Uint8Array | undefined
  /** 66 hex: OIP's tokens say who, not what they may; this node's owner is its owner by them too. */
  readonly owner?: string | null
}

/**
 * Who a token speaks for. Each key has one algorithm: the node's EdDSA, the shared secret HS256. The header only says which
 * of the two is tried, never how.
 * @throws {AppError} `UNAUTHORIZED`, with the same words for every reason
 * @see RFC 8725 (JWT best current practices)
 */
export async function verifyToken(
  keys: NodeKeyPair,
  token: string,
  { clock, oipSecret, owner }: VerifyOptions,
): Promise<TokenBearer> {
  if (token.length > MAX_TOKEN_CHARS) throw unauthorized(undefined)
  try {
    const currentDate = new Date(clock.nowMs())
    if (oipSecret !== undefined && decodeProtectedHeader(token).alg === 'HS256') {
      const publicKey = await verifyOipToken(keys, token, oipSecret, currentDate)
      return { publicKey, scope: publicKey === owner ? 'owner' : 'reader' }
    }
    const { nodeId } = keys.nodeKey
    const { payload } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['EdDSA'],
      typ: 'JWT',
      issuer: nodeId,
      audience: nodeId,
      requiredClaims: ['exp', 'iat', 'jti'],
      currentDate,
    })
    const { publicKey, scope } = Claims.parse(payload)
    return { publicKey, scope }
  } catch (cause) {
    throw unauthorized(cause)
  }
}

/** OIP's own tokens name neither issuer nor audience; one that does must mean this node. */
async function verifyOipToken(
  { nodeKey: { nodeId } }: NodeKeyPair,
  token: string,
  secret: Uint8Array,
  currentDate: Date,
): Promise<string> {
  const { payload } = await jwtVerify(token, secret, {
    algorithms: ['HS256'],
    requiredClaims: ['exp'],
    currentDate,
  })
  const audience = payload.aud === undefined ? [nodeId] : [payload.aud].flat()
  if (!audience.includes(nodeId) || (payload.iss !== undefined && payload.iss !== nodeId)) {
    throw new Error('a token for somebody else')
  }
  return OipClaims.parse(payload).publicKey
}

function unauthorized(cause: unknown): AppError {
  return new AppError('UNAUTHORIZED', 'This token is not valid here, or it has expired.', {
    hint: 'Get a new one with “sower token”, or log in again.',
    cause,
  })
}
