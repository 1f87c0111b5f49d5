import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../app/contract/index.ts'
import { silentLog } from '../../app/ports/log.ts'
import { openVault } from '../../app/vault/index.ts'
import type { Keychain, Vault } from '../../app/vault/index.ts'

/** To where the wallet may go from its key file. */
export type Better = 'keychain' | 'passphrase' | 'nothing'

/** A keychain in a file of its own, so that it outlives the process. */
function fileKeychain(file: string): Keychain {
  const entries = (): Record<string, string> => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string> // written below
    } catch {
      return {}
    }
  }
  const save = (all: Record<string, string>): void => writeFileSync(file, JSON.stringify(all))
  return {
    get: (account) => Promise.resolve(entries()[account] ?? null),
    set: (account, secret) => Promise.resolve(save({ ...entries(), [account]: secret })),
    delete: (account) => {
      const { [account]: _gone, ...rest } = entries()
      return Promise.resolve(save(rest))
    },
  }
}

const absent = (): Promise<never> =>
  Promise.reject(new AppError('KEYCHAIN_ABSENT', 'there is no keychain here'))

/** The vault of `<root>/data`, with what there is beside key files. */
export function openMovable(root: string, better: Better): Promise<Vault> {
  return openVault({
    dataDir: join(root, 'data'),
    mode: 'headless',
    keychain:
      better === 'keychain'
        ? fileKeychain(join(root, 'keychain.json'))
        : { get: absent, set: absent, delete: absent },
    passphrase: () => Promise.resolve(better === 'passphrase' ? 'open sesame' : null),
    hasOwnItems: () => false,
    log: silentLog,
  })
}

// Run as a process of its own: restores a wallet, which leaves its key file for something better.
const [root, better, words] = process.argv.slice(2)
if (root !== undefined && words !== undefined && process.argv[1] === import.meta.filename) {
  const vault = await openMovable(root, better as Better) // named by the test that starts this
  const { storage } = await vault.restore({ from: 'words', words, passphrase: '' }, true)
  process.stdout.write(storage ?? '')
  vault.close()
}
