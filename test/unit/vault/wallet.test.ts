import { HDKey } from '@scure/bip32'
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from 'bip39'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  newEntropy,
  secretFromBytes,
  secretFromText,
  secretToBytes,
  secretToText,
} from '../../../app/vault/secret.ts'
import { deriveKeys } from '../../../app/vault/wallet.ts'

describe('deriveKeys', () => {
  it('gives the key OIP gives for “abandon … about”', async () => {
    const { publicKey, privateKey } = await deriveKeys({ entropy: Buffer.alloc(16) })
    expect(publicKey).toBe('03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e')
    expect(privateKey.toString('hex')).toBe(
      'e284129cc0922579a535bbf4d1a3b25773090d28c909bc0fed73b5e0222cc372',
    )
  })

  it('leaves the entropy it was given alone', async () => {
    const entropy = Buffer.from('80808080808080808080808080808080', 'hex')
    await deriveKeys({ entropy })
    expect(entropy.toString('hex')).toBe('80'.repeat(16))
  })

  it('takes 24 words as well', async () => {
    const { publicKey } = await deriveKeys({ entropy: Buffer.alloc(32, 7) })
    expect(publicKey).toMatch(/^0[23][0-9a-f]{64}$/)
  })
})

describe('newEntropy', () => {
  it('makes 12 valid words, never the same', () => {
    const made = Array.from({ length: 200 }, () => entropyToMnemonic(newEntropy()))
    expect(new Set(made).size).toBe(200)
    for (const words of made) {
      expect(words.split(' ')).toHaveLength(12)
      expect(validateMnemonic(words)).toBe(true)
    }
  })

  it('uses all byte values about equally often', () => {
    const counts = Array.from({ length: 256 }, () => 0)
    const samples = 4096
    for (let i = 0; i < samples; i += 1)
      for (const byte of newEntropy()) counts[byte] = (counts[byte] ?? 0) + 1
    const expected = (samples * 16) / 256
    const chiSquare = counts.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: below 380 in all but one of a million runs.
    expect(chiSquare).toBeLessThan(380)
  })
})

describe('a wallet as it is kept', () => {
  const entropy = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
  const seed = Buffer.alloc(64, 0xab)

  it('is the entropy, as it always was; with a passphrase also the seed', () => {
    expect(secretToText({ entropy })).toBe('000102030405060708090a0b0c0d0e0f')
    expect(secretToBytes({ entropy })).toEqual(entropy)
    const text = secretToText({ entropy, seed })
    // Must be read for ever.
    expect(text).toBe(`sower-wallet:2:000102030405060708090a0b0c0d0e0f:${'ab'.repeat(64)}:771c97c5`)
    expect(secretFromText(text)).toEqual({ entropy, seed })
    expect(secretFromBytes(secretToBytes({ entropy, seed }))).toEqual({ entropy, seed })
  })

  it('comes back from either form, whatever it is', () => {
    const bytes = (length: number): fc.Arbitrary<Buffer> =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(
        fc.oneof(bytes(16), bytes(32)),
        fc.option(bytes(64), { nil: undefined }),
        (words, extra) => {
          const secret = extra === undefined ? { entropy: words } : { entropy: words, seed: extra }
          expect(secretFromText(secretToText(secret))).toEqual(secret)
          expect(secretFromBytes(secretToBytes(secret))).toEqual(secret)
        },
      ),
    )
  })

  it('is nothing else', () => {
    expect(secretFromText('00'.repeat(16))).toEqual({ entropy: Buffer.alloc(16) })
    expect(secretFromText('ff'.repeat(32))).toEqual({ entropy: Buffer.alloc(32, 0xff) })
    const kept = secretToText({ entropy, seed })
    for (const bad of [
      '',
      '00',
      'zz'.repeat(16),
      'FF'.repeat(16),
      '00'.repeat(17),
      'legal winner thank year',
      kept.slice(0, -1),
      kept.replace(':ab', ':aa'),
      kept.replace('sower-wallet:2', 'sower-wallet:3'),
    ]) {
      expect(secretFromText(bad)).toBeUndefined()
      // 32 bytes of anything are entropy.
      if (bad.length !== 32) expect(secretFromBytes(Buffer.from(bad))).toBeUndefined()
    }
  })
})

// Vectors of the BIP-39 reference implementation (passphrase TREZOR).
const BIP39_VECTORS = [
  {
    entropy: '00000000000000000000000000000000',
    words: 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about',
    seed: 'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  },
  {
    entropy: '7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f',
    words: 'legal winner thank year wave sausage worth useful legal winner thank yellow',
    seed: '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607',
  },
  {
    entropy: '80808080808080808080808080808080',
    words: 'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
    seed: 'd71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8',
  },
  {
    entropy: 'ffffffffffffffffffffffffffffffff',
    words: 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong',
    seed: 'ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069',
  },
]

// Vectors of BIP-32.
const BIP32_VECTORS = [
  {
    seed: '000102030405060708090a0b0c0d0e0f',
    path: "m/0'/1/2'/2/1000000000",
    xprv: 'xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76',
  },
  {
    seed: 'fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542',
    path: "m/0/2147483647'/1/2147483646'/2",
    xprv: 'xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr9E7j',
  },
]

describe('the packages we derive with', () => {
  it.each(BIP39_VECTORS)('follow BIP-39 for $entropy', ({ entropy, words, seed }) => {
    expect(entropyToMnemonic(entropy)).toBe(words)
    expect(mnemonicToSeedSync(words, 'TREZOR').toString('hex')).toBe(seed)
  })

  it.each(BIP32_VECTORS)('follow BIP-32 for $path', ({ seed, path, xprv }) => {
    expect(HDKey.fromMasterSeed(Buffer.from(seed, 'hex')).derive(path).privateExtendedKey).toBe(xprv)
  })
})
