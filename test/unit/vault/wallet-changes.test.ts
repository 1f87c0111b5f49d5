import { readFileSync, writeFileSync } from 'node:fs'
import { HDKey } from '@scure/bip32'
import { describe, expect, it } from 'vitest'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { Vault } from '../../../app/vault/index.ts'
import {
  ABOUT,
  ABOUT_OWNER,
  account,
  failKeychain,
  failure,
  fromWords,
  LEGAL,
  record,
  setUpVault,
  SLOW,
  withPassphrase,
  wordsOf,
} from './set-up.ts'
import type { SetUp } from './set-up.ts'

describe('a new wallet', () => {
  it('takes the place of one that nothing depends on, with 12 or 24 words', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const first = vault.owner()
    expect(vault.status().isReplaceable).toBe(true)
    let changes = 0
    vault.onChange(() => (changes += 1))
    const status = await vault.create(24, '')
    expect(status).toMatchObject({
      state: 'ready',
      storage: 'keychain',
      isBackedUp: false,
      isReplaceable: true,
    })
    expect(status.owner).not.toBe(first)
    expect(changes).toBe(1)
    const { words, hasPassphrase } = await vault.reveal()
    expect(words).toHaveLength(24)
    expect(hasPassphrase).toBe(false)
    // The one entry of the new wallet; nothing of the old one is left, nothing lies on the disk.
    expect([...machine.keychain.entries]).toEqual([
      [account(machine), expect.stringMatching(/^[0-9a-f]{64}$/)],
    ])
    expect(machine.files()).toEqual(['node.key', 'wallet.json'])
    expect((await machine.open()).status()).toEqual(status)
    expect((await vault.create(12, '')).owner).not.toBe(status.owner)
    expect((await vault.reveal()).words).toHaveLength(12)
  })

  it('with a passphrase opens without asking, and its words alone are another wallet', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const { owner } = await vault.create(12, 'correct horse')
    const { words, hasPassphrase } = await vault.reveal()
    expect(hasPassphrase).toBe(true)
    expect(machine.everything()).not.toContain('correct horse')
    const again = await machine.open()
    expect(again.owner()).toBe(owner)
    expect(again.seaPair()).toEqual(vault.seaPair())
    const other = setUpVault()
    expect((await (await other.open()).restore(fromWords(words.join(' ')), false)).owner).not.toBe(owner)
    const right = setUpVault()
    const restored = await right.open()
    expect((await restored.restore(fromWords(words.join(' '), 'correct horse'), false)).owner).toBe(owner)
    expect(restored.seaPair()).toEqual(vault.seaPair())
  })

  it('is not made where the present one is in use, backed up or can’t be opened', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const owner = vault.owner()
    machine.uses.isInUse = true
    expect(vault.status().isReplaceable).toBe(false)
    await expect(vault.create(12, '')).rejects.toEqual(failure('CONFLICT'))
    machine.uses.isInUse = false
    await vault.restore(fromWords(await wordsOf(vault)), false)
    expect(vault.status()).toMatchObject({ isBackedUp: true, isReplaceable: false })
    await expect(vault.create(12, '')).rejects.toEqual(failure('CONFLICT'))
    for (const code of ['KEYCHAIN_LOCKED', 'KEYCHAIN_ABSENT', 'KEYCHAIN_DENIED'] as const) {
      failKeychain(machine, code)
      const closed = await machine.open()
      machine.keychain.failure = undefined
      await expect(closed.create(12, '')).rejects.toEqual(failure('CONFLICT'))
    }
    expect((await machine.open()).owner()).toBe(owner)
    expect(machine.keychain.entries.size).toBe(1)
  })

  it('is made at a first start whose keychain was locked', async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_LOCKED')
    const vault = await machine.open()
    await expect(vault.create(12, '')).rejects.toEqual(failure('KEYCHAIN_LOCKED'))
    machine.keychain.failure = undefined
    expect(await vault.create(12, '')).toMatchObject({ state: 'ready', storage: 'keychain' })
  })
})

describe('restoring from words', () => {
  it('brings back every key: OIP’s owner key, and the SEA pair of BIP-39’s seed', async () => {
    const vault = await setUpVault().open()
    const status = await vault.restore(fromWords(ABOUT), false)
    expect(status).toMatchObject({
      state: 'ready',
      owner: ABOUT_OWNER,
      isBackedUp: true,
      isReplaceable: false,
    })
    expect(vault.self()).toEqual({ owner: ABOUT_OWNER, pub: vault.seaPair().pub, epub: vault.seaPair().epub })
  })

  it('follows BIP-39 with a passphrase (TREZOR), over a restart', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    // The seed is BIP-39's own vector.
    const seed = Buffer.from(
      'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
      'hex',
    )
    const key = HDKey.fromMasterSeed(seed).derive("m/44'/0'/0'/0/0").publicKey ?? new Uint8Array()
    const { owner } = await vault.restore(fromWords(ABOUT, 'TREZOR'), false)
    expect(owner).toBe(Buffer.from(key).toString('hex'))
    const again = await machine.open()
    expect(again.status()).toMatchObject({ state: 'ready', owner, isBackedUp: true })
    expect(again.seaPair()).toEqual(seaPairFromSeed(seed))
  })

  it('takes the same wallet as a sign that it is backed up, and changes nothing else', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    machine.uses.isInUse = true
    const before = new Map(machine.keychain.entries)
    const owner = vault.owner()
    expect(await vault.restore(fromWords(await wordsOf(vault)), false)).toMatchObject({
      owner,
      isBackedUp: true,
    })
    expect(machine.keychain.entries).toEqual(before)
    expect(record(machine)).toMatchObject({ owner, isBackedUp: true })
    expect((await machine.open()).status().isBackedUp).toBe(true)
  })

  it('replaces a wallet that is in use only when it is backed up, and only when told to', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    machine.uses.isInUse = true
    const owner = vault.owner()
    for (const isReplacing of [false, true])
      await expect(vault.restore(fromWords(ABOUT), isReplacing)).rejects.toEqual(failure('BACKUP_NEEDED'))
    const words = await wordsOf(vault)
    await vault.restore(fromWords(words), false)
    await expect(vault.restore(fromWords(ABOUT), false)).rejects.toEqual(failure('CONFLICT'))
    expect(vault.owner()).toBe(owner)
    expect(await vault.restore(fromWords(ABOUT), true)).toMatchObject({ owner: ABOUT_OWNER })
    // And back again.
    expect(await vault.restore(fromWords(words), true)).toMatchObject({ owner })
    expect((await machine.open()).owner()).toBe(owner)
  })

  it('says which two wallets they are when they are not the same', async () => {
    const vault = await setUpVault().open()
    await vault.restore(fromWords(ABOUT), false)
    await expect(vault.restore(fromWords(ABOUT, 'a passphrase it has not'), false)).rejects.toEqual(
      failure('CONFLICT', { message: expect.stringContaining('MGDC-JDSV-K1ME-R2P4') as unknown }),
    )
  })

  it('gives signatures and tokens of the new owner from then on', async () => {
    const vault = await setUpVault().open()
    const before = vault.signer()
    const { token } = await vault.issueToken()
    await vault.restore(fromWords(ABOUT), false)
    expect(() => before.sign(Buffer.alloc(32, 1))).toThrow(failure('UNAVAILABLE') as Error)
    expect(vault.signer().publicKey).toBe(ABOUT_OWNER)
    expect(await vault.verifyToken(token)).toMatchObject({ publicKey: before.publicKey })
    expect(vault.owner()).toBe(ABOUT_OWNER)
  })
})

describe('a wallet that can’t be opened', () => {
  /** A machine whose wallet is “abandon … about”, in use. */
  async function broken(breakIt: (machine: SetUp) => void): Promise<{ machine: SetUp; vault: Vault }> {
    const machine = setUpVault()
    await (await machine.open()).restore(fromWords(ABOUT), false)
    machine.uses.isInUse = true
    breakIt(machine)
    return { machine, vault: await machine.open() }
  }
  const entry = (machine: SetUp, text: string): void =>
    void machine.keychain.entries.set(account(machine), text)

  it.each<[string, string, (machine: SetUp) => void]>([
    ['is gone', 'absent', ({ keychain }) => keychain.entries.clear()],
    ['is another', 'wrong', (machine) => entry(machine, '11'.repeat(16))],
    ['is damaged', 'damaged', (machine) => entry(machine, 'hello')],
    [
      'is under a damaged record',
      'damaged',
      (machine) => {
        machine.keychain.entries.clear()
        writeFileSync(machine.path('wallet.json'), '{')
      },
    ],
  ])('because it %s comes back with its words, where it was', async (_what, state, breakIt) => {
    const { machine, vault } = await broken(breakIt)
    expect(vault.status().state).toBe(state)
    const found = machine.keychain.entries.get(account(machine))
    expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({
      state: 'ready',
      storage: 'keychain',
      owner: ABOUT_OWNER,
      isBackedUp: true,
    })
    expect((await machine.open()).status()).toMatchObject({ state: 'ready', owner: ABOUT_OWNER })
    // What was found in its place may be somebody's only copy.
    if (found !== undefined) expect([...machine.keychain.entries.values()]).toContain(found)
  })

  it('makes way for another only when told to; what is left of it is kept', async () => {
    const { machine, vault } = await broken((broken) => entry(broken, 'hello'))
    await expect(vault.restore(fromWords(LEGAL), false)).rejects.toEqual(failure('CONFLICT'))
    const { owner } = await vault.restore(fromWords(LEGAL), true)
    expect(owner).not.toBe(ABOUT_OWNER)
    expect((await machine.open()).owner()).toBe(owner)
    expect([...machine.keychain.entries.values()]).toContain('hello')
  })

  it('whose keychain is locked or refuses stays where it is', async () => {
    for (const code of ['KEYCHAIN_LOCKED', 'KEYCHAIN_DENIED'] as const) {
      const { machine, vault } = await broken((machine) => failKeychain(machine, code))
      await expect(vault.restore(fromWords(ABOUT), true)).rejects.toEqual(failure(code))
      machine.keychain.failure = undefined
      expect((await machine.open()).status()).toMatchObject({ state: 'ready', owner: ABOUT_OWNER })
      expect(machine.files()).toEqual(['node.key', 'wallet.json'])
    }
  })

  it('whose keychain is gone comes back under a key file', async () => {
    const { machine, vault } = await broken((machine) => failKeychain(machine, 'KEYCHAIN_ABSENT'))
    expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({
      storage: 'keyfile',
      owner: ABOUT_OWNER,
    })
    expect((await machine.open()).status()).toMatchObject({
      state: 'ready',
      storage: 'keyfile',
      owner: ABOUT_OWNER,
    })
  })

  it('whose passphrase is forgotten comes back under another one; the old file is kept', SLOW, async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_ABSENT')
    await (await machine.open(withPassphrase('forgotten'))).restore(fromWords(ABOUT), false)
    const sealed = readFileSync(machine.path('wallet.enc'), 'utf8')
    const vault = await machine.open(withPassphrase('not it'))
    expect(vault.status().state).toBe('wrong')
    const restored = await vault.restore(fromWords(ABOUT), false)
    expect(restored).toMatchObject({ storage: 'passphrase', owner: ABOUT_OWNER })
    expect((await machine.open(withPassphrase('not it'))).status()).toMatchObject({
      state: 'ready',
      owner: ABOUT_OWNER,
    })
    const kept = machine.files().find((name) => name.startsWith('wallet.enc.kept-')) ?? ''
    expect(readFileSync(machine.path(kept), 'utf8')).toBe(sealed)
  })

  it.each(['wallet.enc', 'wallet.key'])(
    'because %s is damaged comes back, and that file is kept',
    async (file) => {
      const machine = setUpVault()
      failKeychain(machine, 'KEYCHAIN_ABSENT')
      await (await machine.open()).restore(fromWords(ABOUT), false)
      writeFileSync(machine.path(file), 'rubbish')
      const vault = await machine.open()
      expect(vault.status().state).toBe('damaged')
      expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({
        storage: 'keyfile',
        owner: ABOUT_OWNER,
      })
      expect((await machine.open()).status()).toMatchObject({ state: 'ready', owner: ABOUT_OWNER })
      expect(machine.files().some((name) => name.startsWith(`${file}.`))).toBe(true)
    },
  )
})

describe('unlocking with a typed passphrase', () => {
  it('opens the wallet file; a wrong one is said and changes nothing', SLOW, async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_ABSENT')
    const owner = (await machine.open(withPassphrase('open sesame'))).owner()
    const vault = await machine.open({ mode: 'headless' })
    expect(vault.status()).toMatchObject({ state: 'locked', storage: 'passphrase' })
    await expect(vault.unlock('open barley')).rejects.toEqual(failure('WALLET_WRONG_PASSPHRASE'))
    expect(vault.status().state).toBe('locked')
    expect(await vault.retry()).toMatchObject({ state: 'locked' })
    expect(await vault.unlock('open sesame')).toMatchObject({ state: 'ready', owner })
    // From then on nothing asks for it again: not the words, not a change of the wallet.
    expect((await vault.reveal()).words).toHaveLength(12)
    expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({
      storage: 'passphrase',
      owner: ABOUT_OWNER,
    })
    expect((await machine.open(withPassphrase('open sesame'))).owner()).toBe(ABOUT_OWNER)
  })
})

it('refuses everything once it is closed', async () => {
  const vault = await setUpVault().open()
  vault.close()
  for (const call of [
    () => vault.reveal(),
    () => vault.create(12, ''),
    () => vault.restore(fromWords(ABOUT), true),
    () => vault.exportBackup('password'),
    () => vault.backupSaved(),
    () => vault.askWords(),
  ])
    await expect(call()).rejects.toEqual(failure('UNAVAILABLE'))
  expect(() => vault.seaPair()).toThrow(failure('UNAVAILABLE') as Error)
  expect(() => vault.card()).toThrow(failure('UNAVAILABLE') as Error)
})
