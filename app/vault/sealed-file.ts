import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import {
  Base64,
  checkOf,
  keyFromBytes,
  keyFromPassphrase,
  newSaltAndIv,
  Scrypt,
  SCRYPT,
  sealUnder,
  unsealUnder,
} from './sealing.ts'

/** `passphrase`: scrypt of what the user typed; `keyfile`: HKDF of 32 random bytes. */
export type SealedBy = 'passphrase' | 'keyfile'

const SealedFile = z.strictObject({
  format: z.literal('sower-wallet'),
  version: z.literal(1),
  sealedBy: z.enum(['passphrase', 'keyfile']),
  scrypt: Scrypt.optional(),
  salt: Base64,
  iv: Base64,
  data: Base64,
  tag: Base64,
  /** sha256 of all the above: tells a damaged file from a wrong passphrase. */
  check: z.hex().length(64),
})
type SealedFile = z.output<typeof SealedFile>

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
    ...newSaltAndIv(),
  }
  const key = await deriveKey(head, unlock)
  try {
    const body = { ...head, ...sealUnder(key, head, secret) }
    return `${JSON.stringify({ ...body, check: fileCheck(body) }, null, 2)}\n`
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
  if (fileCheck(body) !== check) throw damaged(undefined)
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
    return unsealUnder(key, head, { data, tag })
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
        'This is not the passphrase of this wallet. Nothing was changed, and public media are shared as before.',
        {
          hint: 'Give the passphrase the wallet was made with. Without it, the wallet can be restored from its words or its backup file.',
          cause,
        },
      )
    : new AppError('WALLET_DAMAGED', 'The key in wallet.key does not open wallet.enc. Nothing was changed.', {
        hint: 'Put back the wallet.key that belongs to this wallet.enc, or restore the wallet from its words or its backup file.',
        cause,
      })
}

async function deriveKey(head: Pick<SealedFile, 'salt' | 'scrypt'>, unlock: Buffer): Promise<Buffer> {
  return head.scrypt === undefined
    ? keyFromBytes(unlock, head.salt, 'sower/wallet/v1')
    : keyFromPassphrase(unlock, head.salt, head.scrypt)
}

function fileCheck(body: Omit<SealedFile, 'check'>): string {
  const { format, version, sealedBy, scrypt: cost, salt, iv, data, tag } = body
  return checkOf([format, version, sealedBy, cost?.N ?? 0, salt, iv, data, tag])
}

function damaged(cause: unknown): AppError {
  return new AppError('WALLET_DAMAGED', 'The wallet file wallet.enc is damaged. It was left as it is.', {
    hint: 'Restore the wallet from its words or its backup file, or put back wallet.enc from a backup of the data folder.',
    cause,
  })
}
