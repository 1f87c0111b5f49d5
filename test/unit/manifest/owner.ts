import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { OwnerSigner } from '../../../app/manifest/index.ts'

/** A signer of one byte's worth of private key: fixed, so that signatures are the same in every run. */
export function testSigner(seed = 1): OwnerSigner {
  const privateKey = new Uint8Array(32).fill(seed)
  return {
    publicKey: Buffer.from(secp256k1.getPublicKey(privateKey)).toString('hex'),
    sign: (hash) => secp256k1.sign(hash, privateKey, { prehash: false }),
  }
}
