import { AppError } from './contract/index.ts'
import type { OpenSealed } from './library/index.ts'
import type { Manifest } from './manifest/index.ts'
import { openMetadata, streamEncryptionOf } from './vault/index.ts'
import type { FileKeys } from './vault/index.ts'

/** Not for this wallet, whatever it does: nobody gave it the key, or what they gave does not fit. */
const NOT_OURS: readonly string[] = ['KEY_NEEDED', 'ENVELOPE_INVALID']

/** Says of an encrypted item how far this node's owner can read it, and its sealed name and type when they can. */
export function sealReader(fileKeys: Pick<FileKeys, 'get'>): OpenSealed {
  return async (manifest) => {
    const { plainSizeBytes } = streamEncryptionOf(manifest)
    try {
      const fileKey = await fileKeys.get(manifest)
      try {
        return { protection: 'readable', plainSizeBytes, ...describe(manifest, fileKey) }
      } finally {
        fileKey.fill(0)
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // Anything else is the wallet's reason for not being open.
      return { protection: NOT_OURS.includes(error.code) ? 'needs-key' : 'locked', plainSizeBytes }
    }
  }
}

/** A seal that does not hold costs the item its name, not its bytes: those have tags of their own. */
function describe(
  manifest: Manifest,
  fileKey: Uint8Array,
): Pick<Awaited<ReturnType<OpenSealed>>, 'name' | 'mime'> {
  const sealed = manifest.encryption?.sealed
  if (sealed === undefined) return {}
  try {
    const { name, mime } = openMetadata(fileKey, sealed)
    return name === undefined ? { mime } : { name, mime }
  } catch (error) {
    if (error instanceof AppError) return {}
    throw error
  }
}
