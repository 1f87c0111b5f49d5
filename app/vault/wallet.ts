import { HARDENED_OFFSET, HDKey } from '@scure/bip32'
import { entropyToMnemonic, mnemonicToSeed } from 'bip39'
import { seaPairFromSeed } from './envelope/sea.ts'
import type { SeaPair } from './envelope/sea.ts'
import type { WalletSecret } from './secret.ts'

/** m/44'/0'/0'/0/0, as in OIP. */
const OWNER_PATH = [HARDENED_OFFSET + 44, HARDENED_OFFSET, HARDENED_OFFSET, 0, 0]

/** Every key of a wallet. `privateKey` is zeroed by whoever holds it last; GUN's form of the SEA pair is text, which can't be. */
export interface WalletKeys {
  /** The owner key: 66 hex, compressed secp256k1. */
  readonly publicKey: string
  /** 32 bytes. */
  readonly privateKey: Buffer
  readonly sea: SeaPair
}

/**
 * Every key of a wallet, from its secret. Every intermediate secret that can be wiped is wiped; the secret is left untouched.
 * @see BIP-39, BIP-32, BIP-44
 */
export async function deriveKeys(secret: WalletSecret): Promise<WalletKeys> {
  if (secret.seed !== undefined) return keysFromSeed(secret.seed)
  const seed = await seedOf(secret.entropy, '')
  try {
    return keysFromSeed(seed)
  } finally {
    seed.fill(0)
  }
}

/** The 64-byte seed of BIP-39. @param entropy 16 or 32 bytes; left untouched */
export function seedOf(entropy: Uint8Array, passphrase: string): Promise<Buffer> {
  return mnemonicToSeed(entropyToMnemonic(Buffer.from(entropy)), passphrase)
}

function keysFromSeed(seed: Uint8Array): WalletKeys {
  let node = HDKey.fromMasterSeed(seed)
  for (const index of OWNER_PATH) {
    const child = node.deriveChild(index)
    node.wipePrivateData()
    node = child
  }
  const { privateKey, publicKey } = node
  if (privateKey === null || publicKey === null) throw new Error('a derived key has no private part')
  const keys = {
    publicKey: Buffer.from(publicKey).toString('hex'),
    privateKey: Buffer.from(privateKey),
    sea: seaPairFromSeed(seed),
  }
  node.wipePrivateData()
  return keys
}
