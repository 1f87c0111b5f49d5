import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import {
  ABOUT,
  ABOUT_OWNER,
  account,
  failKeychain,
  fromWords,
  record,
  setUpVault,
  SLOW,
  withPassphrase,
  wordsOf,
} from './set-up.ts'

describe('where a wallet is put', () => {
  it('is where the present one is, when that is a keychain or under a passphrase', SLOW, async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_ABSENT')
    const vault = await machine.open(withPassphrase('open sesame'))
    machine.keychain.failure = undefined
    expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({ storage: 'passphrase' })
    expect(machine.keychain.entries.size).toBe(0)
    expect(machine.files()).toEqual(['node.key', 'wallet.enc', 'wallet.json'])
    expect((await machine.open(withPassphrase('open sesame'))).owner()).toBe(ABOUT_OWNER)
  })

  it('leaves a key file for something better', async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_ABSENT')
    const vault = await machine.open()
    expect(vault.status().storage).toBe('keyfile')
    machine.keychain.failure = undefined
    expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({
      storage: 'keychain',
      owner: ABOUT_OWNER,
    })
    // Nothing of the old wallet is left.
    expect(machine.files()).toEqual(['node.key', 'wallet.json'])
    expect((await machine.open()).owner()).toBe(ABOUT_OWNER)
  })

  it('leaves a key file for something better also when it is the same wallet', SLOW, async () => {
    const machine = setUpVault()
    failKeychain(machine, 'KEYCHAIN_ABSENT')
    const vault = await machine.open()
    machine.uses.isInUse = true
    const owner = vault.owner()
    const words = await wordsOf(vault)
    // Nothing better: it stays, and opens.
    expect(await vault.restore(fromWords(words), false)).toMatchObject({
      owner,
      storage: 'keyfile',
      isBackedUp: true,
    })
    const sealed = await machine.open(withPassphrase('open sesame'))
    expect(await sealed.restore(fromWords(words), false)).toMatchObject({ owner, storage: 'passphrase' })
    expect(machine.files()).toEqual(['node.key', 'wallet.enc', 'wallet.json'])
    expect((await machine.open(withPassphrase('open sesame'))).status()).toMatchObject({
      state: 'ready',
      owner,
    })
  })
})

describe('a change that is cut short', () => {
  /** What the keychain does from its nth call on: refuse, or do it and then refuse (the answer got lost). */
  const ways = { refuses: false, 'does it and dies': true }

  it.each(Object.entries(ways))(
    'leaves a wallet that opens, wherever the keychain %s',
    async (_name, isDone) => {
      let outcomes = { old: 0, new: 0 }
      for (let at = 1; at < 40; at += 1) {
        const machine = setUpVault()
        const vault = await machine.open()
        const old = vault.owner()
        const before = machine.keychain.calls
        let isHit = false
        machine.keychain.watch = ({ n, apply }) => {
          if (n - before < at) return
          if (!isHit && isDone) apply()
          isHit = true
          throw new AppError('KEYCHAIN_LOCKED', 'the keychain was locked in the middle of it')
        }
        const result = await vault.restore(fromWords(ABOUT), false).then(
          () => 'done',
          () => 'refused',
        )
        machine.keychain.watch = undefined
        // What the process that is still running believes is what the next one finds.
        const next = await machine.open()
        expect(next.status().state, `at call ${at}`).toBe('ready')
        expect([old, ABOUT_OWNER]).toContain(next.owner())
        if (result === 'done') expect(next.owner()).toBe(ABOUT_OWNER)
        expect((await next.reveal()).words).toHaveLength(12)
        expect(record(machine)['next']).toBeUndefined()
        outcomes =
          next.owner() === old
            ? { ...outcomes, old: outcomes.old + 1 }
            : { ...outcomes, new: outcomes.new + 1 }
        if (!isHit) break
      }
      expect(outcomes.old).toBeGreaterThan(2)
      expect(outcomes.new).toBeGreaterThan(0)
    },
  )

  it('is undone when the keychain refuses once, and can be done again', async () => {
    for (let at = 1; at < 12; at += 1) {
      const machine = setUpVault()
      const vault = await machine.open()
      const old = vault.owner()
      const before = machine.keychain.calls
      machine.keychain.watch = ({ n }) => {
        if (n - before === at) throw new AppError('KEYCHAIN_DENIED', 'not now')
      }
      const result = await vault.restore(fromWords(ABOUT), false).catch((error: unknown) => error)
      machine.keychain.watch = undefined
      if (result instanceof AppError) {
        expect(vault.status()).toMatchObject({ state: 'ready', owner: old })
        expect((await machine.open()).owner()).toBe(old)
        expect(machine.keychain.entries.size).toBe(1)
      }
      expect(await vault.restore(fromWords(ABOUT), false)).toMatchObject({ owner: ABOUT_OWNER })
      expect((await machine.open()).owner()).toBe(ABOUT_OWNER)
    }
  })

  it.each(['noted', 'written', 'destroyed'])(
    'is settled at the next start when the file was %s',
    async (stage) => {
      const machine = setUpVault()
      failKeychain(machine, 'KEYCHAIN_ABSENT')
      const old = (await machine.open()).owner()
      const oldFile = readFileSync(machine.path('wallet.enc'))
      const oldRecord = record(machine)
      // The same key file: the new wallet as it would have been written.
      await (await machine.open()).restore(fromWords(ABOUT), false)
      const next = { storage: 'keyfile', owner: ABOUT_OWNER, isBackedUp: true, aside: 'old', isOldToGo: true }
      writeFileSync(machine.path('wallet.json'), JSON.stringify({ ...oldRecord, next }))
      writeFileSync(machine.path('wallet.enc.old'), oldFile)
      if (stage === 'noted') writeFileSync(machine.path('wallet.enc'), oldFile)
      if (stage === 'destroyed') rmSync(machine.path('wallet.enc'))
      const vault = await machine.open()
      expect(vault.status()).toMatchObject({ state: 'ready', owner: stage === 'written' ? ABOUT_OWNER : old })
      expect(record(machine)['next']).toBeUndefined()
      if (stage === 'written') expect(machine.files()).not.toContain('wallet.enc.old')
      expect((await machine.open()).owner()).toBe(vault.owner())
    },
  )

  it('is not decided while neither wallet can be seen', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const old = vault.owner()
    const next = { storage: 'keychain', owner: ABOUT_OWNER, account: account(machine), aside: 'old' }
    writeFileSync(machine.path('wallet.json'), JSON.stringify({ ...record(machine), next }))
    failKeychain(machine, 'KEYCHAIN_LOCKED')
    const locked = await machine.open()
    expect(locked.status().state).toBe('locked')
    expect(record(machine)['next']).toBeDefined()
    machine.keychain.failure = undefined
    expect(await locked.retry()).toMatchObject({ state: 'ready', owner: old })
    expect(record(machine)['next']).toBeUndefined()
  })
})
