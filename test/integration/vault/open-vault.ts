/** Opens a vault with the system's keychain, does one thing and prints its state; run inside a D-Bus session by the test beside it. */
import keytar from 'keytar'
import { AppError } from '../../../app/contract/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { openVault } from '../../../app/vault/index.ts'
import type { Vault } from '../../../app/vault/index.ts'
import { systemKeychain } from '../../../app/vault/keychain.ts'

const [dataDir = '', mode = 'desktop', action = 'open'] = process.argv.slice(2)
const keychain = systemKeychain({ timeoutMs: 10_000 })
const vault = await openVault({
  dataDir,
  mode: mode === 'headless' ? 'headless' : 'desktop',
  keychain,
  hasOwnItems: () => false,
  log: silentLog,
  // The tests ask for the outcome, not for how it looks while a keychain thinks.
  patienceMs: 20_000,
})
const about = { from: 'words', words: `${'abandon '.repeat(11)}about`, passphrase: '' } as const
const actions: Record<string, (vault: Vault) => Promise<unknown>> = {
  open: () => Promise.resolve(),
  forget: () => keychain.delete(`wallet-${vault.nodeKey.nodeId.slice(0, 16)}`),
  restore: () => vault.restore(about, false),
  restorePassphrase: () => vault.restore({ ...about, passphrase: 'TREZOR' }, true),
  reveal: () => vault.reveal(),
}
const outcome = await actions[action]?.(vault).then(
  () => 'done',
  (error: unknown) => (error instanceof AppError ? error.code : String(error)),
)
// Asked of a locked keyring, keytar takes the whole process down.
const isOpen = vault.status().state === 'ready' || vault.status().state === 'absent'
const entries = isOpen ? await keytar.findCredentials('Sower').catch(() => []) : []
process.stdout.write(
  `${JSON.stringify({ ...vault.status(), knownOwner: vault.owner(), outcome, entries: entries.length })}\n`,
)
vault.close()
