import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '../atomic-file.ts'

/** What is remembered about the wallet without any secret: where it is and whose it is. */
const WalletRecord = z.looseObject({
  version: z.literal(1),
  storage: z.enum(['keychain', 'passphrase', 'keyfile']),
  /** The owner's public key: a wallet that derives another one is not ours. */
  owner: z.string().regex(/^0[23][0-9a-f]{64}$/),
  /** The keychain entry. */
  account: z.string().min(1).max(200).optional(),
})
export type WalletRecord = z.output<typeof WalletRecord>

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

export function writeRecord(dataDir: string, record: WalletRecord): void {
  writeFileAtomic(recordPath(dataDir), `${JSON.stringify(record, null, 2)}\n`)
}

export function recordPath(dataDir: string): string {
  return join(dataDir, 'wallet.json')
}
