import { randomBytes } from 'node:crypto'
import { entropyToMnemonic, mnemonicToSeed } from 'bip39'
import { HARDENED_OFFSET, HDKey } from '@scure/bip32'

/** m/44'/0'/0'/0/0, as in OIP. */
const OWNER_PATH = [HARDENED_OFFSET + 44, HARDENED_OFFSET, HARDENED_OFFSET, 0, 0]

/** The key that owns and signs everything; `privateKey` is zeroed by whoever holds it last. */
export interface OwnerKey {
  /** 66 hex, compressed secp256k1. */
  readonly publicKey: string
  /** 32 bytes. */
  readonly privateKey: Buffer
}

/** Fresh entropy for a wallet of 12 words: 16 bytes from the operating system's generator. */
export function newEntropy(): Buffer {
  return randomBytes(16)
}

/** Entropy as it is kept: 32 or 64 hex digits (12 or 24 words); undefined for anything else. */
export function parseEntropy(text: string): Buffer | undefined {
  return /^([0-9a-f]{32}|[0-9a-f]{64})$/.test(text) ? Buffer.from(text, 'hex') : undefined
}

/**
 * The owner key of a wallet. Every intermediate secret that can be wiped is wiped.
 * @param entropy 16 or 32 bytes; left untouched
 * @see BIP-39, BIP-32, BIP-44
 */
export async function deriveOwnerKey(entropy: Uint8Array): Promise<OwnerKey> {
  const seed = await mnemonicToSeed(entropyToMnemonic(Buffer.from(entropy)))
  try {
    return ownerKeyFromSeed(seed)
  } finally {
    seed.fill(0)
  }
}

function ownerKeyFromSeed(seed: Uint8Array): OwnerKey {
  let node = HDKey.fromMasterSeed(seed)
  for (const index of OWNER_PATH) {
    const child = node.deriveChild(index)
    node.wipePrivateData()
    node = child
  }
  const { privateKey, publicKey } = node
  if (privateKey === null || publicKey === null) throw new Error('a derived key has no private part')
  const key = { publicKey: Buffer.from(publicKey).toString('hex'), privateKey: Buffer.from(privateKey) }
  node.wipePrivateData()
  return key
}
