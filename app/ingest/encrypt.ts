import { deriveStreamKeys, newSalt, type StreamKeys } from '../stream-cipher.ts'
import type { PumpResult } from './pump.ts'

/** Asks for the bytes to be encrypted on their way. */
export interface Encrypt {
  /** 32 bytes, fresh: made for this one reading of the source. Left untouched. */
  readonly fileKey: Uint8Array
}

/** How stored bytes were encrypted: what their manifest says, and what it seals. */
export interface EncryptedBytes {
  /** 32 bytes. */
  readonly salt: Uint8Array
  /** 16 bytes: the tag of the last segment. */
  readonly authTag: Uint8Array
  readonly plainSizeBytes: number
  /** 64 lowercase hex: sha256 of the plaintext. */
  readonly plainHash: string
}

/** The keys of one reading, under a salt of its own; wipes them when `work` is over. */
export async function withStreamKeys<T extends PumpResult>(
  encrypt: Encrypt | undefined,
  work: (keys: StreamKeys | undefined) => Promise<T>,
): Promise<T & { encrypted?: EncryptedBytes }> {
  if (encrypt === undefined) return work(undefined)
  const salt = newSalt()
  const keys = deriveStreamKeys(encrypt.fileKey, salt)
  try {
    const result = await work(keys)
    if (result.sealed === undefined) throw new Error('the bytes were not encrypted')
    return { ...result, encrypted: { salt, ...result.sealed } }
  } finally {
    keys.key.fill(0)
  }
}
