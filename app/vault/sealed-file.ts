import { createCipheriv, createDecipheriv, createHash, hkdf, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'

/** `passphrase`: scrypt of what the user typed; `keyfile`: HKDF of 32 random bytes. */
export type SealedBy = 'passphrase' | 'keyfile'

const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const
const Base64 = z.base64().max(1024)

const SealedFile = z.strictObject({
  format: z.literal('sower-wallet'),
  version: z.literal(1),
  sealedBy: z.enum(['passphrase', 'keyfile']),
  scrypt: z
    .strictObject({ N: z.literal([2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20]), r: z.literal(8), p: z.literal(1) })
    .optional(),
  salt: Base64,
  iv: Base64,
  data: Base64,
  tag: Base64,
  /** sha256 of all the above: tells a damaged file from a wrong passphrase. */
  check: z.hex().length(64),
})
type SealedFile = z.output<typeof SealedFile>

const hkdfAsync = promisify(hkdf)
const scryptAsync = promisify<
  Buffer,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt)

/**
 * The content of `wallet.enc`: a small secret under AES-256-GCM.
 * @param unlock passphrase (UTF-8) or key bytes; left untouched
 */
export async function seal(secret: Uint8Array, unlock: Buffer, sealedBy: SealedBy): Promise<string> {
  const head = {
    format: 'sower-wallet' as const,
    version: 1 as const,
    sealedBy,
    ...(sealedBy === 'passphrase' ? { scrypt: SCRYPT } : {}),
    salt: randomBytes(32).toString('base64'),
    iv: randomBytes(12).toString('base64'),
  }
  const key = await deriveKey(head, unlock)
  try {
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(head.iv, 'base64'))
    cipher.setAAD(Buffer.from(JSON.stringify(head)))
    const data = Buffer.concat([cipher.update(secret), cipher.final()]).toString('base64')
    const body = { ...head, data, tag: cipher.getAuthTag().toString('base64') }
    return `${JSON.stringify({ ...body, check: checkOf(body) }, null, 2)}\n`
  } finally {
    key.fill(0)
  }
}

/**
 * Reads the outside of `wallet.enc`: what it is sealed by, and that it is whole.
 * @throws {AppError} `WALLET_DAMAGED`
 */
export function readSealed(text: string): SealedFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw damaged(cause)
  }
  const file = SealedFile.safeParse(value)
  if (!file.success) throw damaged(undefined)
  const { check, ...body } = file.data
  if (checkOf(body) !== check) throw damaged(undefined)
  return file.data
}

/**
 * @param unlock passphrase (UTF-8) or key bytes; left untouched
 * @returns the secret; the caller zeroes it
 * @throws {AppError} `WALLET_WRONG_PASSPHRASE`
 */
export async function unseal(file: SealedFile, unlock: Buffer): Promise<Buffer> {
  const { check: _check, data, tag, ...head } = file
  const key = await deriveKey(head, unlock)
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(file.iv, 'base64'), { authTagLength: 16 })
    cipher.setAAD(Buffer.from(JSON.stringify(head)))
    cipher.setAuthTag(Buffer.from(tag, 'base64'))
    return Buffer.concat([cipher.update(Buffer.from(data, 'base64')), cipher.final()])
  } catch (cause) {
    throw wrongKey(file.sealedBy, cause)
  } finally {
    key.fill(0)
  }
}

function wrongKey(sealedBy: SealedBy, cause: unknown): AppError {
  return sealedBy === 'passphrase'
    ? new AppError(
        'WALLET_WRONG_PASSPHRASE',
        'This is not the passphrase of this wallet. Nothing was changed.',
        {
          hint: 'Give the passphrase the wallet was made with, in the file named by SOWER_PASSPHRASE_FILE or at the prompt.',
          cause,
        },
      )
    : new AppError('WALLET_DAMAGED', 'The key in wallet.key does not open wallet.enc. Nothing was changed.', {
        hint: 'Put back the wallet.key that belongs to this wallet.enc, from a backup of the data folder.',
        cause,
      })
}

async function deriveKey(head: Pick<SealedFile, 'salt' | 'scrypt'>, unlock: Buffer): Promise<Buffer> {
  const salt = Buffer.from(head.salt, 'base64')
  if (head.scrypt === undefined)
    return Buffer.from(await hkdfAsync('sha256', unlock, salt, 'sower/wallet/v1', 32))
  const { N, r, p } = head.scrypt
  return scryptAsync(unlock, salt, 32, { N, r, p, maxmem: 256 * N * r })
}

function checkOf(body: Omit<SealedFile, 'check'>): string {
  const { format, version, sealedBy, scrypt: cost, salt, iv, data, tag } = body
  return createHash('sha256')
    .update(JSON.stringify([format, version, sealedBy, cost?.N ?? 0, salt, iv, data, tag]))
    .digest('hex')
}

function damaged(cause: unknown): AppError {
  return new AppError('WALLET_DAMAGED', 'The wallet file wallet.enc is damaged. It was left as it is.', {
    hint: 'Put back wallet.enc from a backup of the data folder.',
    cause,
  })
}
