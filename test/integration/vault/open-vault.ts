/** Opens a vault with the system's keychain and prints its state; run inside a D-Bus session by the test beside it. */
import { silentLog } from '../../../app/ports/log.ts'
import { openVault } from '../../../app/vault/index.ts'
import { systemKeychain } from '../../../app/vault/keychain.ts'

const [dataDir = '', mode = 'desktop', action = 'open'] = process.argv.slice(2)
const keychain = systemKeychain({ timeoutMs: 10_000 })
const vault = await openVault({
  dataDir,
  mode: mode === 'headless' ? 'headless' : 'desktop',
  keychain,
  log: silentLog,
})
if (action === 'forget') await keychain.delete(`wallet-${vault.nodeKey.nodeId.slice(0, 16)}`)
process.stdout.write(`${JSON.stringify({ ...vault.status(), knownOwner: vault.owner() })}\n`)
vault.close()
