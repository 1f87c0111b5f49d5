import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { readSealed, seal, unseal } from '../../../app/vault/sealed-file.ts'

const secret = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const passphrase = Buffer.from('correct horse battery staple')

// Written by format version 1; must open for ever.
const GOLDEN = `{
  "format": "sower-wallet",
  "version": 1,
  "sealedBy": "passphrase",
  "scrypt": {
    "N": 131072,
    "r": 8,
    "p": 1
  },
  "salt": "GDuVkato2rISwl8m/fIGx9iTR8kwV27oyXysuPNguig=",
  "iv": "RxHZefIxl1DLIUxC",
  "data": "OC6VYr7iRhA7pNsfaBopmg==",
  "tag": "ASTC9Wyy3EcMDS1dkammOA==",
  "check": "432afaa1e1344508f376fa679063fb6589ad8de65d438bedfaddc70ac2f94e95"
}
`

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act()
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('wallet.enc', () => {
  it('opens with what it was sealed by', async () => {
    const text = await seal(secret, passphrase, 'passphrase')
    expect(text).not.toContain(secret.toString('hex'))
    expect(await unseal(readSealed(text), passphrase)).toEqual(secret)
    const underKey = await seal(secret, Buffer.alloc(32, 5), 'keyfile')
    expect(await unseal(readSealed(underKey), Buffer.alloc(32, 5))).toEqual(secret)
  })

  it('still opens the golden file', async () => {
    expect(await unseal(readSealed(GOLDEN), passphrase)).toEqual(secret)
  })

  it('is different every time', async () => {
    const key = Buffer.alloc(32, 5)
    expect(await seal(secret, key, 'keyfile')).not.toBe(await seal(secret, key, 'keyfile'))
  })

  it('tells a wrong passphrase from a damaged file', async () => {
    expect(await codeOf(() => unseal(readSealed(GOLDEN), Buffer.from('wrong')))).toBe(
      'WALLET_WRONG_PASSPHRASE',
    )
    for (let at = 0; at < GOLDEN.length; at += 7) {
      const char = GOLDEN.charAt(at)
      const changed = GOLDEN.slice(0, at) + (char === 'A' ? 'B' : 'A') + GOLDEN.slice(at + 1)
      expect(await codeOf(() => readSealed(changed)), `changed at ${at}`).toBe('WALLET_DAMAGED')
    }
    expect(await codeOf(() => readSealed(GOLDEN.slice(0, 100)))).toBe('WALLET_DAMAGED')
    expect(await codeOf(() => readSealed(''))).toBe('WALLET_DAMAGED')
  })
})
