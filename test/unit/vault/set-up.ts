import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { ErrorCode } from '../../../app/contract/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { openVault } from '../../../app/vault/index.ts'
import type { Vault, VaultOptions } from '../../../app/vault/index.ts'
import { MemoryKeychain } from './memory-keychain.ts'

export interface SetUp {
  readonly dataDir: string
  readonly keychain: MemoryKeychain
  /** Whether the wallet is in use. */
  readonly uses: { isInUse: boolean }
  readonly open: (overrides?: Partial<VaultOptions>) => Promise<Vault>
  readonly path: (name: string) => string
  readonly files: () => string[]
  /** Every byte of the data folder and the keychain, as text. */
  readonly everything: () => string
}

/** A data folder and a keychain of their own; a wallet in them is not in use. */
export function setUpVault(): SetUp {
  const dataDir = mkdtempSync(join(tmpdir(), 'sower-vault-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const keychain = new MemoryKeychain()
  const uses = { isInUse: false }
  const files = (): string[] => readdirSync(dataDir).toSorted()
  return {
    dataDir,
    keychain,
    uses,
    path: (name) => join(dataDir, name),
    files,
    everything: () =>
      [
        ...files().map((name) => readFileSync(join(dataDir, name), 'latin1')),
        ...keychain.entries.values(),
      ].join('\n'),
    open: (overrides) =>
      openVault({
        dataDir,
        mode: 'desktop',
        keychain,
        passphrase: () => Promise.resolve(null),
        hasOwnItems: () => uses.isInUse,
        log: silentLog,
        ...overrides,
      }),
  }
}

/** BIP-39's and OIP's “abandon … about”: entropy of zeros. */
export const ABOUT = `${'abandon '.repeat(11)}about`
export const ABOUT_OWNER = '03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e'
/** Another wallet: “legal winner … yellow”. */
export const LEGAL = 'legal winner thank year wave sausage worth useful legal winner thank yellow'

export const fromWords = (
  words: string,
  passphrase = '',
): { from: 'words'; words: string; passphrase: string } => ({
  from: 'words',
  words,
  passphrase,
})

export const failure = (code: string, extra: object = {}): unknown =>
  expect.objectContaining({ code, ...extra })

/** scrypt is meant to take its time: half a second each on an idle machine. */
export const SLOW = { timeout: 60_000 }
/** Headless, with this passphrase. */
export const withPassphrase = (text: string): Partial<VaultOptions> => ({
  mode: 'headless',
  passphrase: () => Promise.resolve(text),
})
/** The keychain entry of the wallet. */
export const account = ({ keychain }: SetUp): string =>
  [...keychain.entries.keys()].find((name) => /^wallet-[0-9a-f]{16}$/.test(name)) ?? ''
/** What wallet.json says. */
export const record = ({ path }: SetUp): Record<string, unknown> =>
  JSON.parse(readFileSync(path('wallet.json'), 'utf8')) as Record<string, unknown>
/** The wallet's words. */
export const wordsOf = async (vault: Vault): Promise<string> => (await vault.reveal()).words.join(' ')
/** Makes the keychain fail, the next time it is used and ever after. */
export function failKeychain({ keychain }: SetUp, code: ErrorCode): void {
  keychain.failure = { code }
}
