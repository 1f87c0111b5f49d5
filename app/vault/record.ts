import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../atomic-file.ts'

const PLACED = {
  storage: z.enum(['keychain', 'passphrase', 'keyfile']),
  /** The owner's public key: a wallet that derives another one is not ours. */
  owner: z.string().regex(/^0[23][0-9a-f]{64}$/),
  /** The keychain entry. */
  account: z.string().min(1).max(200).optional(),
  /** The words were asked back, a backup file was made, or it came from one of them. */
  isBackedUp: z.boolean().optional(),
} as const

/** What is remembered about the wallet without any secret: where it is and whose it is. */
const WalletRecord = z.looseObject({
  version: z.literal(1),
  ...PLACED,
  /** The wallet that is taking this one's place: written before it is stored, gone when it is. */
  next: z
    .looseObject({
      ...PLACED,
      /** Under which name what was in its place is kept. */
      aside: z.string().min(1).max(200).optional(),
      /** The wallet it replaces was open, so nothing of that is kept. */
      isOldToGo: z.boolean().optional(),
    })
    .optional(),
  /** Where the wallet before was, as long as something of it may be left there. */
  old: z.object({ storage: PLACED.storage, account: PLACED.account }).optional(),
})
export type WalletRecord = z.output<typeof WalletRecord>
export type WalletStorage = WalletRecord['storage']
/** Where a wallet is. */
export interface WalletPlace {
  readonly storage: WalletStorage
  readonly account?: string | undefined
}
/** A wallet and where it is. */
export interface PlacedWallet extends WalletPlace {
  readonly owner: string
  readonly isBackedUp?: boolean | undefined
}

/** `<dataDir>/wallet.json`; undefined when there is none yet, 'damaged' when it can't be read as one. */
export function readRecord(dataDir: string): WalletRecord | 'damaged' | undefined {
  const bytes = readFileIfThere(recordPath(dataDir))
  if (bytes === undefined) return undefined
  try {
    return WalletRecord.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    return 'damaged'
  }
}

/** Puts the record in the place of the one before, whole or not at all. */
export function writeRecord(dataDir: string, record: WalletRecord): void {
  writeFileAtomic(recordPath(dataDir), `${JSON.stringify(record, null, 2)}\n`)
}

/** Where {@link readRecord} looks. */
export function recordPath(dataDir: string): string {
  return join(dataDir, 'wallet.json')
}
