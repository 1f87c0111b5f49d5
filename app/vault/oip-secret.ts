import { AppError } from '../contract/index.ts'

/** RFC 7518 §3.2: a key for HS256 is at least as long as its hash. */
const MIN_BYTES = 32

/**
 * The secret OIP signs its tokens with, shared with this node through `JWT_SECRET`; without it no such token is accepted.
 * @throws {AppError} `BAD_REQUEST` for one that can be guessed: with it anybody could be anybody
 */
export function oipSecretFrom(env: Readonly<Record<string, string | undefined>>): Uint8Array | undefined {
  const text = env['JWT_SECRET']
  if (text === undefined || text === '') return undefined
  const secret = Buffer.from(text, 'utf8')
  if (secret.length >= MIN_BYTES) return secret
  throw new AppError(
    'BAD_REQUEST',
    `JWT_SECRET is shorter than ${MIN_BYTES} characters, so that it could be guessed, and Sower did not start.`,
    {
      hint: 'Give it (and OIP) a long random one, or unset it when no OIP server’s tokens are to be accepted here.',
    },
  )
}
