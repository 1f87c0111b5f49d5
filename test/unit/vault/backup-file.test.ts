import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openBackup, sealBackup } from '../../../app/vault/backup-file.ts'
import { ABOUT, ABOUT_OWNER, failure, fromWords, setUpVault } from './set-up.ts'

const PASSWORD = 'correct horse battery staple'
/** Written by format version 1; must open for ever. */
const golden = readFileSync(new URL('../../fixtures/wallet/about.sowerbackup', import.meta.url), 'utf8')
const nowMs = Date.UTC(2026, 10, 26)

// scrypt is meant to take its time: half a second each on an idle machine.
describe('a backup file', { timeout: 60_000 }, () => {
  it('of the golden wallet still opens', async () => {
    expect(await openBackup(golden, PASSWORD)).toEqual({ entropy: Buffer.alloc(16) })
    expect(JSON.parse(golden)).toMatchObject({ format: 'sower-backup', version: 1, owner: ABOUT_OWNER })
  })

  it('is the whole wallet, its passphrase’s seed included, on a clean machine', async () => {
    const vault = await setUpVault().open()
    const { owner } = await vault.create(24, 'a passphrase')
    const { fileName, text } = await vault.exportBackup(PASSWORD)
    expect(fileName).toMatch(/^sower-wallet-[0-9A-Z]{4}-\d{4}-\d\d-\d\d\.sowerbackup$/)
    expect(vault.status().isBackedUp).toBe(false)
    expect(await vault.backupSaved()).toMatchObject({ isBackedUp: true })
    const { words } = await vault.reveal()
    // A word such as “check” is in every backup file, as the name of one of its fields.
    const telling = words.filter((word) => word.length > 4 && !golden.includes(word))
    expect(telling.length).toBeGreaterThan(4)
    for (const secret of ['passphrase', PASSWORD, ...telling]) expect(text).not.toContain(secret)
    const clean = await setUpVault().open()
    const status = await clean.restore({ from: 'file', text, password: PASSWORD }, false)
    expect(status).toMatchObject({ state: 'ready', owner, isBackedUp: true })
    expect(clean.seaPair()).toEqual(vault.seaPair())
    expect(await clean.reveal()).toEqual({ words, hasPassphrase: true })
  })

  it('is never the same twice', async () => {
    const seal = (): Promise<{ text: string }> =>
      sealBackup({ entropy: Buffer.alloc(16) }, { owner: ABOUT_OWNER, password: PASSWORD, nowMs })
    expect((await seal()).text).not.toBe((await seal()).text)
  })

  it('tells a wrong password from a damaged file, and changes nothing for either', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const before = machine.everything()
    const restore = (text: string, password: string): Promise<unknown> =>
      vault.restore({ from: 'file', text, password }, true)
    await expect(restore(golden, 'wrong')).rejects.toEqual(failure('WALLET_WRONG_PASSPHRASE'))
    await expect(restore(golden, '')).rejects.toEqual(failure('WALLET_WRONG_PASSPHRASE'))
    for (const text of ['', '{', golden.slice(0, 200), '[]', 'null', '{"format":"sower-wallet"}', ABOUT])
      await expect(restore(text, PASSWORD)).rejects.toEqual(failure('BACKUP_INVALID'))
    for (let at = 0; at < golden.trimEnd().length; at += 11) {
      const changed = golden.slice(0, at) + (golden.charAt(at) === 'b' ? 'c' : 'b') + golden.slice(at + 1)
      await expect(restore(changed, PASSWORD), `changed at ${at}`).rejects.toEqual(failure('BACKUP_INVALID'))
    }
    expect(machine.everything()).toBe(before)
  })

  it('is refused when it asks for too much work, whatever its check says', async () => {
    const hostile = golden.replace('131072', '1048576')
    expect(hostile).not.toBe(golden)
    await expect(openBackup(hostile, PASSWORD)).rejects.toEqual(failure('BACKUP_INVALID'))
  })

  it('is refused when it holds another wallet than it says', async () => {
    const owner = `02${'ab'.repeat(32)}`
    const { text } = await sealBackup({ entropy: Buffer.alloc(16) }, { owner, password: PASSWORD, nowMs })
    await expect(openBackup(text, PASSWORD)).rejects.toEqual(failure('BACKUP_INVALID'))
  })

  it('takes the password however its letters were composed', async () => {
    const { text } = await sealBackup(
      { entropy: Buffer.alloc(16) },
      { owner: ABOUT_OWNER, password: 'tréma tréma', nowMs },
    )
    expect(await openBackup(text, 'tre\u0301ma tre\u0301ma')).toEqual({ entropy: Buffer.alloc(16) })
  })

  it('of the present wallet shows that it is backed up', async () => {
    const vault = await setUpVault().open()
    await vault.restore(fromWords(ABOUT), false)
    expect(await vault.restore({ from: 'file', text: golden, password: PASSWORD }, false)).toMatchObject({
      owner: ABOUT_OWNER,
      isBackedUp: true,
    })
  })
})
