import fc from 'fast-check'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import type { AccessRule } from '../../../app/contract/index.ts'
import type { OwnerSigner } from '../../../app/manifest/index.ts'
import { FileKeys, makeEnvelope, newFileKey, openEnvelope } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { litConditionsOf } from '../../../app/vault/envelope/lit-conditions.ts'
import { LitScheme } from '../../../app/vault/envelope/lit-envelope.ts'
import { connectLit, ethereumAddress, signMessage } from '../../../app/vault/envelope/lit-sdk.ts'
import { encryptBytes, encryptedManifest, patternBytes } from '../../support/encrypted-item.ts'
import { installLitStandIn } from '../../support/lit-stand-in.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../manifest/owner.ts'

const plain = patternBytes(100)
const bytes = encryptBytes(plain)
const { fileKey, mediaId } = bytes
const subject = { mediaId, version: 1 }
const reader = testSigner(2)
const readersWallet: AccessRule = {
  kind: 'wallet',
  chain: 'ethereum',
  address: ethereumAddress(reader.publicKey),
}
const contract = `0x${'Ab'.repeat(20)}`
const token: AccessRule = { kind: 'token', standard: 'ERC20', chain: 'polygon', contract, atLeast: '5' }
const pair = seaPairFromSeed(Buffer.alloc(64, 1))
const recipients = [{ owner: '', pub: pair.pub, epub: pair.epub }]

async function folder(): Promise<string> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  return dir.path
}

async function setUp({ signer = () => reader }: { signer?: () => OwnerSigner } = {}) {
  const dir = await folder()
  const network = await installLitStandIn(dir)
  const scheme = new LitScheme(async () => connectLit({ dir, signer }), { timeoutMs: 500 })
  return { network, scheme }
}

describe('a key under Lit, with a local stand-in for its SDK and network', () => {
  it('is given to the wallet that fulfils the conditions, and to no other', async () => {
    const { scheme } = await setUp()
    const envelope = await scheme.add(undefined, { fileKey, ...subject }, readersWallet)
    expect(envelope).toMatchObject({ scheme: 'lit', conditions: [{ conditionType: 'evmBasic' }] })
    expect(await scheme.open(envelope, subject)).toEqual(fileKey)

    const { scheme: strangers } = await setUp({ signer: () => testSigner(3) })
    await expect(strangers.open(envelope, subject)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
  })

  it('follows tokens, and groups of conditions', async () => {
    const { scheme, network } = await setUp()
    const rule: AccessRule = {
      kind: 'any',
      of: [
        { kind: 'all', of: [readersWallet, token] },
        { ...token, atLeast: '9' },
      ],
    }
    const envelope = await scheme.add(undefined, { fileKey, ...subject }, rule)
    await expect(scheme.open(envelope, subject)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    network.balances.set(`polygon/${contract}//${ethereumAddress(reader.publicKey)}`.toLowerCase(), 5n)
    expect(await scheme.open(envelope, subject)).toEqual(fileKey)
  })

  it('lies beside the boxes of people, and either opens', async () => {
    const { scheme } = await setUp()
    const people = await makeEnvelope({ fileKey, ...subject, recipients })
    const both = await scheme.add(people, { fileKey, ...subject }, readersWallet)
    expect(both).toMatchObject({ ...people, lit: { conditions: [{}] } })
    expect(await scheme.open(both, subject)).toEqual(fileKey)
    expect(await openEnvelope(both, pair, subject)).toEqual(fileKey)
    expect(encryptedManifest(plain, bytes, { keyEnvelope: both }).encryption?.keyEnvelope).toEqual(both)
  })

  it('is bound to its item and version', async () => {
    const { scheme } = await setUp()
    const envelope = await scheme.add(undefined, { fileKey, ...subject, version: 2 }, readersWallet)
    const refused = { code: 'ENVELOPE_INVALID' }
    await expect(scheme.open(envelope, subject)).rejects.toMatchObject(refused)
    await expect(scheme.open(envelope, { mediaId: 'cd'.repeat(32), version: 2 })).rejects.toMatchObject(
      refused,
    )
  })

  it('leaves no connection open', async () => {
    const { scheme, network } = await setUp()
    const envelope = await scheme.add(undefined, { fileKey, ...subject }, readersWallet)
    await scheme.open(envelope, subject)
    await expect.poll(() => [network.connections, network.closed]).toEqual([2, 2])
  })

  it('is unavailable without the network, while boxes for people open as ever', async () => {
    const { scheme, network } = await setUp()
    const people = await makeEnvelope({ fileKey, ...subject, recipients })
    const both = await scheme.add(people, { fileKey, ...subject }, readersWallet)
    const unavailable = { code: 'LIT_UNAVAILABLE', hint: expect.stringContaining('not affected') as unknown }
    network.failure = new Error('getaddrinfo ENOTFOUND')
    await expect(scheme.open(both, subject)).rejects.toMatchObject(unavailable)
    await expect(scheme.add(people, { fileKey, ...subject }, token)).rejects.toMatchObject(unavailable)
    network.failure = undefined
    network.isSilent = true
    await expect(scheme.open(both, subject)).rejects.toMatchObject(unavailable)
    expect(await openEnvelope(both, pair, subject)).toEqual(fileKey)
  })

  it('is asked for only when somebody waits for it, and then kept', async () => {
    const { scheme, network } = await setUp()
    const keyEnvelope = await scheme.add(undefined, { fileKey, ...subject }, readersWallet)
    const manifest = encryptedManifest(plain, bytes, { keyEnvelope })
    const kept = new Map<string, never>()
    const store = {
      get: (id: string) => Promise.resolve(kept.get(id)),
      put: (key: { mediaId: string }) => void kept.set(key.mediaId, key as never),
      remove: (id: string) => void kept.delete(id),
    }
    const keys = new FileKeys({ pair: () => pair, kept: store, clock: { nowMs: () => 0 }, lit: scheme })
    await expect(keys.get(manifest)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    expect(network.connections).toBe(1)
    expect(await keys.fetch(manifest)).toEqual(fileKey)
    network.failure = new Error('offline')
    expect(await keys.get(manifest)).toEqual(fileKey)
  })

  it('is not asked for while the wallet is locked', async () => {
    const locked = new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    const { scheme } = await setUp({
      signer: () => {
        throw locked
      },
    })
    const envelope = await scheme.add(undefined, { fileKey, ...subject }, readersWallet)
    await expect(scheme.open(envelope, subject)).rejects.toBe(locked)
  })
})

describe('Lit', () => {
  it('says which command installs its SDK when that is not there', async () => {
    const dir = await folder()
    const scheme = new LitScheme(async () => connectLit({ dir, signer: () => reader }))
    const people = await makeEnvelope({ fileKey, ...subject, recipients })
    await expect(scheme.add(people, { fileKey, ...subject }, readersWallet)).rejects.toMatchObject({
      code: 'LIT_UNAVAILABLE',
      hint: expect.stringContaining(
        `npm install --ignore-scripts --prefix "${dir}" @lit-protocol/lit-client@`,
      ) as unknown,
    })
  })

  it('has nothing to open in an envelope for people alone', async () => {
    const scheme = new LitScheme(() => Promise.reject(new Error('nobody should ask')))
    const people = await makeEnvelope({ fileKey, ...subject, recipients })
    for (const envelope of [people, undefined, { scheme: 'other' }]) {
      await expect(scheme.open(envelope, subject)).rejects.toMatchObject({ code: 'KEY_NEEDED' })
    }
  })

  it.each<[string, AccessRule]>([
    ['an address that is none', { kind: 'wallet', chain: 'ethereum', address: '0x12' }],
    ['a chain that is none', { kind: 'wallet', chain: 'a b', address: contract }],
    ['a token number where there is none', { ...token, tokenId: '1' }],
    ['no token number where one is needed', { ...token, standard: 'ERC1155' }],
    ['nothing at all as enough', { ...token, atLeast: '0' }],
    ['an amount that is none', { ...token, atLeast: '1e9' }],
    ['an empty group', { kind: 'all', of: [] }],
    [
      'too many conditions',
      { kind: 'all', of: [1, 2].map(() => ({ kind: 'any', of: Array<AccessRule>(17).fill(token) })) },
    ],
    [
      'groups in groups without end',
      Array(5000)
        .fill(0)
        .reduce<AccessRule>((of) => ({ kind: 'all', of: [of] }), token),
    ],
    ['a kind of the future', { kind: 'moon' } as never],
  ])('refuses %s', (_what, rule) => {
    expect(() => litConditionsOf(rule)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }) as Error)
  })

  it('writes groups with an operator between each two', () => {
    const leaf = fc.constantFrom<AccessRule>(readersWallet, token)
    fc.assert(
      fc.property(
        fc.array(leaf, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('all', 'any'),
        (of, kind) => {
          const conditions = litConditionsOf({ kind, of })
          expect(conditions).toHaveLength(of.length * 2 - 1)
          conditions.forEach((part, i) => {
            if (i % 2 === 1) expect(part).toEqual({ operator: kind === 'all' ? 'and' : 'or' })
            else expect(part).toHaveProperty('conditionType', 'evmBasic')
          })
        },
      ),
    )
  })

  it('signs in as the published examples of Ethereum do', () => {
    const privateKey = Buffer.from('4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318', 'hex')
    const signer: OwnerSigner = {
      publicKey: Buffer.from(secp256k1.getPublicKey(privateKey)).toString('hex'),
      sign: (hash) => secp256k1.sign(hash, privateKey, { prehash: false }),
    }
    // web3.js, documentation of accounts.sign
    expect(ethereumAddress(signer.publicKey)).toBe('0x2c7536E3605D9C16a7a3D7b1898e529396a65c23')
    expect(signMessage(signer, 'Some data')).toBe(
      '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c',
    )
  })

  it('keeps its keys apart from those of items', async () => {
    const { scheme } = await setUp()
    const other = newFileKey()
    const envelope = await scheme.add(undefined, { fileKey: other, ...subject }, readersWallet)
    expect(JSON.stringify(envelope)).not.toContain(other.toString('base64url'))
    expect(await scheme.open(envelope, subject)).toEqual(other)
  })
})
