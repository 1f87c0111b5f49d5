import { secp256k1 } from '@noble/curves/secp256k1.js'

/**
 * Whether `signature` is the owner's over exactly these 32 bytes.
 * @param publicKey 66 hex, compressed secp256k1
 * @param signature 86 characters of base64url: 64 bytes, compact ECDSA with low S
 */
export function isOwnerSignature(publicKey: string, hash32: Uint8Array, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  // One signature, one spelling: base64url leaves spare bits in its last character.
  if (bytes.length !== 64 || bytes.toString('base64url') !== signature) return false
  try {
    return secp256k1.verify(bytes, hash32, Buffer.from(publicKey, 'hex'), { prehash: false, lowS: true })
  } catch {
    // The curve refuses keys that are no point and signatures outside its range by throwing.
    return false
  }
}
