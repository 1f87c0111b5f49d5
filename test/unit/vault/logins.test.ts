import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { loginMessage } from '../../../app/vault/index.ts'
import { Logins } from '../../../app/vault/logins.ts'
import type { LoginProof } from '../../../app/vault/logins.ts'
import { testSigner } from '../manifest/owner.ts'

const HOST = 'node.example:8765'
const signer = testSigner(3)
const UNAUTHORIZED = expect.objectContaining({ code: 'UNAUTHORIZED' }) as Error
let nowMs: number
let logins: Logins

beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 26)
  logins = new Logins({ nowMs: () => nowMs })
})

const prove = (challenge: string): LoginProof => ({
  publicKey: signer.publicKey,
  challenge,
  signature: Buffer.from(signer.sign(loginMessage(HOST, challenge))).toString('base64url'),
})

describe('Logins', () => {
  it('take a challenge until two minutes have passed, and then no more', () => {
    const first = logins.challenge(signer.publicKey)
    const second = logins.challenge(signer.publicKey)
    expect(first.expiresAtMs).toBe(nowMs + 120_000)
    nowMs += 119_999
    expect(() => logins.redeem(prove(first.challenge), [HOST])).not.toThrow()
    nowMs += 1
    expect(() => logins.redeem(prove(second.challenge), [HOST])).toThrow(UNAUTHORIZED)
  })

  it('take a challenge once, also after others came in between', () => {
    const { challenge } = logins.challenge(signer.publicKey)
    logins.redeem(prove(challenge), [HOST])
    for (let round = 0; round < 20; round += 1) {
      logins.redeem(prove(logins.challenge(signer.publicKey).challenge), [HOST])
    }
    expect(() => logins.redeem(prove(challenge), [HOST])).toThrow(UNAUTHORIZED)
  })

  it('do not take a used one again when the clock is set back', () => {
    const { challenge } = logins.challenge(signer.publicKey)
    nowMs -= 10 * 60_000
    expect(() => logins.redeem(prove(challenge), [HOST])).toThrow(UNAUTHORIZED)
  })

  it('take a signature for any of the node’s names, and for no other', () => {
    const one = logins.challenge(signer.publicKey).challenge
    expect(() => logins.redeem(prove(one), ['127.0.0.1:8765', HOST])).not.toThrow()
    const two = logins.challenge(signer.publicKey).challenge
    expect(() => logins.redeem(prove(two), ['127.0.0.1:8765'])).toThrow(UNAUTHORIZED)
  })

  it('take no challenge in which a bit differs, nor another spelling of one', () => {
    const { challenge } = logins.challenge(signer.publicKey)
    const bytes = Buffer.from(challenge, 'base64url')
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const forged = Buffer.from(bytes)
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(() => logins.redeem(prove(forged.toString('base64url')), [HOST])).toThrow(UNAUTHORIZED)
      }),
    )
    for (const other of [`${challenge}A`, challenge.slice(1), bytes.toString('hex')]) {
      expect(() => logins.redeem(prove(other), [HOST])).toThrow(UNAUTHORIZED)
    }
    expect(() => logins.redeem(prove(challenge), [HOST])).not.toThrow()
  })

  it('take no signature in which a bit differs', () => {
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const proof = prove(logins.challenge(signer.publicKey).challenge)
        const forged = Buffer.from(proof.signature, 'base64url')
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const signature = forged.toString('base64url')
        expect(() => logins.redeem({ ...proof, signature }, [HOST])).toThrow(UNAUTHORIZED)
      }),
      { numRuns: 30 },
    )
  })

  it('remember a bounded number, and forget what could not be used anyway', () => {
    const forged = 'A'.repeat(86)
    const use = (): void => {
      const { challenge } = logins.challenge(signer.publicKey)
      logins.redeem({ publicKey: signer.publicKey, challenge, signature: forged }, [])
    }
    for (let round = 0; round < 10_000; round += 1) expect(use).toThrow(UNAUTHORIZED)
    expect(use).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
    nowMs += 120_000
    expect(use).toThrow(UNAUTHORIZED)
  })
})
