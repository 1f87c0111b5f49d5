import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'

const IV_BYTES = 12
const TAG_BYTES = 16
const SALT_BYTES = 32
const KEY_BYTES = 32

/** The cost of guessing: about 128 MiB of memory and some tenths of a second for each try. */
export const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const

export const Scrypt = z.strictObject({
  N: z.literal([2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20]),
  r: z.literal(8),
  p: z.literal(1),
})
export const Base64 = z.base64().max(1024)

/** What AES-256-GCM gives, as base64. */
export interface Sealed {
  readonly data: string
  readonly tag: string
}

const scryptAsync = promisify<
  Buffer,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt)

/** Fresh salt and nonce, base64. */
export function newSaltAndIv(): { salt: string; iv: string } {
  return {
    salt: randomBytes(SALT_BYTES).toString('base64'),
    iv: randomBytes(IV_BYTES).toString('base64'),
  }
}

/** A key of what the user typed, by scrypt (RFC 7914). */
export function keyFromPassphrase(
  passphrase: Buffer,
  salt: string,
  { N, r, p }: z.output<typeof Scrypt>,
): Promise<Buffer> {
  const maxmem = 256 * N * r
  return scryptAsync(passphrase, Buffer.from(salt, 'base64'), KEY_BYTES, { N, r, p, maxmem })
}

/** A key of 32 random bytes, by HKDF-SHA256 (RFC 5869). */
export function keyFromBytes(bytes: Buffer, salt: string, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, Buffer.from(salt, 'base64'), info, KEY_BYTES))
}

/**
 * Encrypts a small secret. `head` is what stands beside it in the file, authenticated with it as its JSON in this very order.
 * @param key left untouched
 */
export function sealUnder(key: Buffer, head: { readonly iv: string }, secret: Uint8Array): Sealed {
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(head.iv, 'base64'))
  cipher.setAAD(Buffer.from(JSON.stringify(head)))
  const data = Buffer.concat([cipher.update(secret), cipher.final()]).toString('base64')
  return { data, tag: cipher.getAuthTag().toString('base64') }
}

/**
 * The secret; the caller zeroes it.
 * @param key left untouched
 * @throws when the key is another one, or anything was changed
 */
export function unsealUnder(key: Buffer, head: { readonly iv: string }, { data, tag }: Sealed): Buffer {
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(head.iv, 'base64'), {
    authTagLength: TAG_BYTES,
  })
  cipher.setAAD(Buffer.from(JSON.stringify(head)))
  cipher.setAuthTag(Buffer.from(tag, 'base64'))
  return Buffer.concat([cipher.update(Buffer.from(data, 'base64')), cipher.final()])
}

/** sha256 over a file's values, 64 hex: tells a damaged file from a wrong passphrase. Not a protection. */
export function checkOf(values: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}
