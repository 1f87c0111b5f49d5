import { createHash, createPublicKey, verify } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'
import type { Log, LogFields } from '../../../app/ports/log.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { passphraseFrom } from '../../../app/vault/index.ts'
import { setUpVault, withPassphrase } from './set-up.ts'
import type { SetUp } from './set-up.ts'

/** A wallet that is in use. */
function setUp(): SetUp {
  const machine = setUpVault()
  machine.uses.isInUse = true
  return machine
}

const hash = createHash('sha256').update('x').digest()

describe('a first start', () => {
  it('keeps a new wallet in the keychain, and nothing secret on disk', async () => {
    const { open, keychain, dataDir, path } = setUp()
    const vault = await open()
    expect(vault.status()).toEqual({
      storage: 'keychain',
      state: 'ready',
      owner: vault.owner(),
      isBackedUp: false,
      isReplaceable: false,
    })
    const [entropy] = [...keychain.entries.values()]
    expect(entropy).toMatch(/^[0-9a-f]{32}$/)
    expect(readdirSync(dataDir).toSorted()).toEqual(['node.key', 'wallet.json'])
    expect(readFileSync(path('wallet.json'), 'utf8')).not.toContain(entropy)
  })

  it('opens the same wallet later', async () => {
    const { open } = setUp()
    const first = await open()
    const again = await open()
    expect(again.owner()).toBe(first.owner())
    expect(again.nodeKey.nodeId).toBe(first.nodeKey.nodeId)
  })

  it('keeps several data folders apart in one keychain', async () => {
    const one = setUp()
    const two = setUp()
    const first = await one.open()
    const second = await two.open({ keychain: one.keychain })
    expect(second.owner()).not.toBe(first.owner())
    expect(one.keychain.entries.size).toBe(2)
  })

  it('makes no wallet while the keychain is locked, and makes one when it is open', async () => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_LOCKED' }
    for (const mode of ['desktop', 'headless'] as const) {
      const vault = await open({ mode })
      expect(vault.status()).toMatchObject({ storage: 'keychain', state: 'locked' })
      expect(vault.owner()).toBeNull()
      expect(() => vault.signer()).toThrow(expect.objectContaining({ code: 'KEYCHAIN_LOCKED' }))
    }
    expect(existsSync(path('wallet.json'))).toBe(false)
    const vault = await open()
    keychain.failure = undefined
    expect(await vault.retry()).toMatchObject({ state: 'ready', owner: vault.owner() })
  })

  it('in the window falls back to a key file only where there is no keychain at all, and says so', async () => {
    const { open, keychain, dataDir } = setUp()
    keychain.failure = { code: 'KEYCHAIN_DENIED' }
    expect((await open()).status()).toMatchObject({ storage: 'keychain', state: 'denied' })
    expect(readdirSync(dataDir)).toEqual(['node.key'])
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    const { state, storage, message } = (await open()).status()
    expect({ state, storage }).toEqual({ state: 'ready', storage: 'keyfile' })
    expect(message).toMatch(/whoever can read the data folder/)
  })

  it('does not hold up the start while somebody has to unlock the keychain', async () => {
    const { open, keychain } = setUp()
    let unlock = (): void => undefined
    const unlocked = new Promise<void>((resolve) => (unlock = resolve))
    const slow = {
      get: async (account: string) => unlocked.then(() => keychain.get(account)),
      set: (account: string, secret: string) => keychain.set(account, secret),
      delete: (account: string) => keychain.delete(account),
    }
    const vault = await open({ keychain: slow, patienceMs: 5 })
    expect(vault.status()).toMatchObject({ storage: 'keychain', state: 'locked' })
    const opened = new Promise<void>((resolve) => vault.onChange(resolve))
    unlock()
    await opened
    expect(vault.status()).toMatchObject({ state: 'ready' })
  })

  it('headless without a keychain seals the wallet under the passphrase', async () => {
    const { open, keychain, dataDir, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    const vault = await open(withPassphrase('tréma'))
    expect(vault.status()).toMatchObject({ storage: 'passphrase', state: 'ready' })
    expect(readdirSync(dataDir).toSorted()).toEqual(['node.key', 'wallet.enc', 'wallet.json'])
    expect(statSync(path('wallet.enc')).mode & 0o777).toBe(0o600)
    // The same letters, composed another way by another keyboard.
    expect((await open(withPassphrase('tre\u0301ma'))).owner()).toBe(vault.owner())
  })

  it('headless with nothing at all uses a key file and says what that means', async () => {
    const { open, keychain, dataDir, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    const warnings: string[] = []
    const log: Log = { ...silentLog, warn: (event) => void warnings.push(event) }
    const vault = await open({ mode: 'headless', log })
    expect(vault.status()).toMatchObject({ storage: 'keyfile', state: 'ready' })
    expect(vault.status().message).toMatch(/whoever can read the data folder/)
    expect(warnings).toContain('wallet.key-file')
    expect(readdirSync(dataDir).toSorted()).toEqual(['node.key', 'wallet.enc', 'wallet.json', 'wallet.key'])
    for (const file of ['node.key', 'wallet.key', 'wallet.enc'])
      expect(statSync(path(file)).mode & 0o777).toBe(0o600)
    // Later it is found where it was made, even when there is a keychain by then.
    keychain.failure = undefined
    expect((await open({ mode: 'headless' })).owner()).toBe(vault.owner())
    expect((await open({ mode: 'desktop' })).status()).toMatchObject({ storage: 'keyfile', state: 'ready' })
    expect(keychain.entries.size).toBe(0)
  })

  it('headless treats a keychain that never answers as none', async () => {
    const { open, keychain } = setUp()
    keychain.failure = { code: 'KEYCHAIN_LOCKED', reason: 'timeout' }
    expect((await open({ mode: 'headless' })).status()).toMatchObject({ storage: 'keyfile', state: 'ready' })
  })

  it('does not start on a passphrase file that is not there', async () => {
    const { open, keychain, dataDir, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    const passphrase = passphraseFrom({ SOWER_PASSPHRASE_FILE: path('nothing') })
    await expect(open({ mode: 'headless', passphrase })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('SOWER_PASSPHRASE_FILE') as string,
    })
    expect(readdirSync(dataDir)).toEqual(['node.key'])
  })

  it('refuses a keychain that forgets', async () => {
    const { open, keychain } = setUp()
    keychain.set = () => Promise.resolve()
    expect((await open()).status()).toMatchObject({ state: 'denied' })
  })
})

describe('a start that was cut short', () => {
  it('finds the wallet in the keychain that was not recorded yet', async () => {
    const { open, path } = setUp()
    const first = await open()
    rmSync(path('wallet.json'))
    expect((await open()).owner()).toBe(first.owner())
    expect(existsSync(path('wallet.json'))).toBe(true)
  })

  it('finds the sealed wallet that was not recorded yet', async () => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    const first = await open(withPassphrase('a'))
    rmSync(path('wallet.json'))
    expect((await open(withPassphrase('b'))).status()).toMatchObject({
      storage: 'passphrase',
      state: 'wrong',
    })
    expect(existsSync(path('wallet.json'))).toBe(false)
    expect((await open(withPassphrase('a'))).owner()).toBe(first.owner())
  })

  it('goes on with a key file that has no wallet yet', async () => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    writeFileSync(path('wallet.key'), Buffer.alloc(32, 9), { mode: 0o600 })
    expect((await open({ mode: 'headless' })).status()).toMatchObject({ storage: 'keyfile', state: 'ready' })
    expect(readFileSync(path('wallet.key'))).toEqual(Buffer.alloc(32, 9))
  })
})

describe('a wallet that should be there', () => {
  it('is never replaced when its keychain entry is gone', async () => {
    const { open, keychain, path } = setUp()
    const first = await open()
    const record = readFileSync(path('wallet.json'))
    keychain.entries.clear()
    for (const mode of ['desktop', 'headless'] as const) {
      const vault = await open({ mode, passphrase: () => Promise.resolve('pass') })
      expect(vault.status()).toMatchObject({ storage: 'keychain', state: 'absent' })
      expect(vault.owner()).toBe(first.owner())
      expect(() => vault.signer()).toThrow(expect.objectContaining({ code: 'WALLET_MISSING' }))
    }
    expect(keychain.entries.size).toBe(0)
    expect(readFileSync(path('wallet.json'))).toEqual(record)
    expect(existsSync(path('wallet.enc'))).toBe(false)
  })

  it('is told from another one', async () => {
    const { open, keychain } = setUp()
    const first = await open()
    const [account = ''] = [...keychain.entries.keys()]
    keychain.entries.set(account, '11'.repeat(16))
    const vault = await open()
    expect(vault.status().state).toBe('wrong')
    expect(vault.owner()).toBe(first.owner())
    expect(keychain.entries.get(account)).toBe('11'.repeat(16))
  })

  it('is damaged when the keychain entry is no wallet', async () => {
    const { open, keychain } = setUp()
    await open()
    const [account = ''] = [...keychain.entries.keys()]
    keychain.entries.set(account, 'hello')
    expect((await open()).status().state).toBe('damaged')
  })

  it('keeps locked, absent and denied apart, knows its owner meanwhile, and comes back', async () => {
    const { open, keychain } = setUp()
    const first = await open()
    for (const [code, state] of [
      ['KEYCHAIN_LOCKED', 'locked'],
      ['KEYCHAIN_ABSENT', 'absent'],
      ['KEYCHAIN_DENIED', 'denied'],
    ] as const) {
      keychain.failure = { code }
      const vault = await open()
      expect(vault.status().state).toBe(state)
      expect(vault.owner()).toBe(first.owner())
      expect(await vault.retry()).toMatchObject({ state })
      keychain.failure = undefined
      expect(await vault.retry()).toMatchObject({ state: 'ready', owner: first.owner() })
      expect(vault.signer().publicKey).toBe(first.owner())
    }
  })

  it('tells a missing passphrase from a wrong one', async () => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    await open(withPassphrase('right'))
    const sealed = readFileSync(path('wallet.enc'))
    expect((await open({ mode: 'headless' })).status()).toMatchObject({
      storage: 'passphrase',
      state: 'locked',
    })
    const wrong = await open(withPassphrase('wrong'))
    expect(wrong.status().state).toBe('wrong')
    expect(() => wrong.signer()).toThrow(expect.objectContaining({ code: 'WALLET_WRONG_PASSPHRASE' }))
    const gone = passphraseFrom({ SOWER_PASSPHRASE_FILE: path('nothing') })
    expect((await open({ mode: 'headless', passphrase: gone })).status().state).toBe('locked')
    expect(readFileSync(path('wallet.enc'))).toEqual(sealed)
  })

  it.each([
    ['wallet.enc', 'absent'],
    ['wallet.key', 'absent'],
  ])('is absent when %s was deleted, and no new one is made', async (file, state) => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    await open({ mode: 'headless' })
    rmSync(path(file))
    expect((await open({ mode: 'headless' })).status()).toMatchObject({ storage: 'keyfile', state })
    expect(existsSync(path(file))).toBe(false)
  })

  it.each(['wallet.enc', 'wallet.key'])('is damaged when %s is', async (file) => {
    const { open, keychain, path } = setUp()
    keychain.failure = { code: 'KEYCHAIN_ABSENT' }
    await open({ mode: 'headless' })
    writeFileSync(path(file), 'rubbish')
    expect((await open({ mode: 'headless' })).status()).toMatchObject({ state: 'damaged' })
    expect(readFileSync(path(file), 'utf8')).toBe('rubbish')
  })

  it('survives a damaged record when it is still there itself', async () => {
    const { open, path, dataDir } = setUp()
    const first = await open()
    writeFileSync(path('wallet.json'), '{"version":1,')
    expect((await open()).owner()).toBe(first.owner())
    expect(readdirSync(dataDir).some((name) => name.startsWith('wallet.json.damaged-'))).toBe(true)
    expect((await open()).owner()).toBe(first.owner())
  })

  it('is not made anew beside a damaged record', async () => {
    const { open, keychain, path } = setUp()
    await open()
    writeFileSync(path('wallet.json'), '')
    keychain.entries.clear()
    expect((await open()).status().state).toBe('damaged')
    keychain.failure = { code: 'KEYCHAIN_LOCKED' }
    expect((await open()).status().state).toBe('locked')
    expect(keychain.entries.size).toBe(0)
    expect(readFileSync(path('wallet.json'), 'utf8')).toBe('')
  })
})

describe('signing', () => {
  it('gives compact low-S signatures over exactly the hash', async () => {
    const vault = await setUp().open()
    const signer = vault.signer()
    const signature = signer.sign(hash)
    expect(signature).toHaveLength(64)
    expect(
      secp256k1.verify(signature, hash, Buffer.from(signer.publicKey, 'hex'), { prehash: false, lowS: true }),
    ).toBe(true)
    expect(() => signer.sign(Buffer.from('longer than a hash, or shorter'))).toThrow(RangeError)
  })

  it('ends with close', async () => {
    const vault = await setUp().open()
    const signer = vault.signer()
    const owner = vault.owner()
    vault.close()
    vault.close()
    expect(() => vault.signer()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    expect(() => signer.sign(hash)).toThrow()
    expect(vault.owner()).toBe(owner)
  })

  it('gives out tokens only while the wallet is open', async () => {
    const { open, keychain } = setUp()
    const vault = await open()
    const { token } = await vault.issueToken()
    expect(await vault.verifyToken(token)).toEqual({ publicKey: vault.owner(), scope: 'owner' })
    keychain.failure = { code: 'KEYCHAIN_LOCKED' }
    const locked = await open()
    expect(() => locked.issueToken()).toThrow(expect.objectContaining({ code: 'KEYCHAIN_LOCKED' }))
    expect(await locked.verifyToken(token)).toEqual({ publicKey: vault.owner(), scope: 'owner' })
  })
})

describe('the node key', () => {
  it('is named by the hash of its public key, and signs', async () => {
    const { nodeKey } = await setUp().open()
    const raw = Buffer.from(nodeKey.publicKeyHex, 'hex')
    expect(nodeKey.nodeId).toBe(createHash('sha256').update(raw).digest('hex').slice(0, 40))
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
    })
    expect(verify(null, Buffer.from('hello'), key, nodeKey.sign(Buffer.from('hello')))).toBe(true)
  })

  it('is made private again when its file was opened to others', async () => {
    const { open, path } = setUp()
    await open()
    chmodSync(path('node.key'), 0o644)
    await open()
    expect(statSync(path('node.key')).mode & 0o777).toBe(0o600)
  })

  it('is replaced when it is damaged; the wallet stays', async () => {
    const { open, path, dataDir } = setUp()
    const first = await open()
    writeFileSync(path('node.key'), 'rubbish')
    const second = await open()
    expect(second.nodeKey.nodeId).not.toBe(first.nodeKey.nodeId)
    expect(second.owner()).toBe(first.owner())
    expect(readdirSync(dataDir).some((name) => name.startsWith('node.key.damaged-'))).toBe(true)
  })
})

it('writes no secret to the log', async () => {
  const { open, keychain } = setUp()
  const lines: string[] = []
  const write = (event: string, fields?: LogFields): void => void lines.push(JSON.stringify([event, fields]))
  const log: Log = { error: write, warn: write, info: write, debug: write, child: () => log }
  await open({ log })
  const [entropy = ''] = [...keychain.entries.values()]
  const other = setUp()
  other.keychain.failure = { code: 'KEYCHAIN_ABSENT' }
  await other.open({ ...withPassphrase('open sesame'), log })
  expect(lines.length).toBeGreaterThan(2)
  expect(lines.join('\n')).not.toContain(entropy)
  expect(lines.join('\n')).not.toContain('sesame')
})
