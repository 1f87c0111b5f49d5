import { z } from 'zod'
import { AppError, PersonKey } from '../contract/index.ts'
import { fingerprintOf } from './contacts/card.ts'
import { passphraseBytes } from './places.ts'
import {
  Base64,
  checkOf,
  keyFromPassphrase,
  newSaltAndIv,
  Scrypt,
  SCRYPT,
  sealUnder,
  unsealUnder,
} from './sealing.ts'
import { secretFromText, secretToText, wipeSecret } from './secret.ts'
import type { WalletSecret } from './secret.ts'
import { deriveKeys } from './wallet.ts'

const BackupFile = z.strictObject({
  format: z.literal('sower-backup'),
  version: z.literal(1),
  /** Whose wallet it is: public, so that the right file is found. */
  owner: PersonKey,
  createdAt: z.iso.datetime(),
  // It comes from outside: no more work than a backup of ours makes.
  scrypt: Scrypt.extend({ N: z.literal([2 ** 17, 2 ** 18]) }),
  salt: Base64,
  iv: Base64,
  data: Base64,
  tag: Base64,
  /** sha256 of all the above: tells a damaged file from a wrong password. */
  check: z.hex().length(64),
})
type BackupFile = z.output<typeof BackupFile>

interface Backup {
  readonly fileName: string
  readonly text: string
}

/**
 * A file that, with its password, is the whole wallet.
 * @param secret left untouched
 * @param owner 66 hex
 */
export async function sealBackup(
  secret: WalletSecret,
  { owner, password, nowMs }: { owner: string; password: string; nowMs: number },
): Promise<Backup> {
  const createdAt = new Date(nowMs).toISOString()
  const head = {
    format: 'sower-backup' as const,
    version: 1 as const,
    owner,
    createdAt,
    scrypt: SCRYPT,
    ...newSaltAndIv(),
  }
  const key = await keyOf(head, password)
  const plain = Buffer.from(secretToText(secret), 'ascii')
  try {
    const body = { ...head, ...sealUnder(key, head, plain) }
    const name = `sower-wallet-${fingerprintOf(owner).slice(0, 4)}-${createdAt.slice(0, 10)}.sowerbackup`
    return { fileName: name, text: `${JSON.stringify({ ...body, check: fileCheck(body) }, null, 2)}\n` }
  } finally {
    plain.fill(0)
    key.fill(0)
  }
}

/**
 * The wallet of a backup file.
 * @returns what the caller wipes
 * @throws {AppError} `BACKUP_INVALID` (damaged, or no backup of ours), `WALLET_WRONG_PASSPHRASE`
 */
export async function openBackup(text: string, password: string): Promise<WalletSecret> {
  const { check: _check, data, tag, ...head } = readBackup(text)
  const key = await keyOf(head, password)
  let plain: Buffer
  try {
    plain = unsealUnder(key, head, { data, tag })
  } catch (cause) {
    throw new AppError(
      'WALLET_WRONG_PASSPHRASE',
      'This is not the password of this backup file. Nothing was changed.',
      {
        hint: 'Give the password it was made with. The wallet can also be restored from its words.',
        cause,
      },
    )
  } finally {
    key.fill(0)
  }
  const secret = secretFromText(plain.toString('ascii'))
  plain.fill(0)
  if (secret === undefined) throw invalid('This backup file does not hold a wallet.')
  const { publicKey, privateKey } = await deriveKeys(secret)
  privateKey.fill(0)
  if (publicKey === head.owner) return secret
  wipeSecret(secret)
  throw invalid('This backup file holds another wallet than it says.')
}

function readBackup(text: string): BackupFile {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\u{FEFF}/u, ''))
  } catch {
    throw invalid('This is not a backup file of a wallet, or it is not all of one.')
  }
  const file = BackupFile.safeParse(value)
  if (!file.success) {
    const isOurs =
      typeof value === 'object' && value !== null && 'format' in value && value.format === 'sower-backup'
    throw invalid(isOurs ? 'This backup file is damaged.' : 'This is not a backup file of a wallet.')
  }
  const { check, ...body } = file.data
  if (fileCheck(body) !== check) throw invalid('This backup file is damaged.')
  return file.data
}

async function keyOf(head: Pick<BackupFile, 'salt' | 'scrypt'>, password: string): Promise<Buffer> {
  const bytes = passphraseBytes(password)
  try {
    return await keyFromPassphrase(bytes, head.salt, head.scrypt)
  } finally {
    bytes.fill(0)
  }
}

function fileCheck(body: Omit<BackupFile, 'check'>): string {
  const { format, version, owner, createdAt, scrypt: cost, salt, iv, data, tag } = body
  return checkOf([format, version, owner, createdAt, cost.N, salt, iv, data, tag])
}

function invalid(message: string): AppError {
  return new AppError('BACKUP_INVALID', `${message} Nothing was changed.`, {
    hint: 'Use another copy of the file, or restore the wallet from its words.',
  })
}
