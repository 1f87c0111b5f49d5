import { AppError } from '../contract/index.ts'
import { verifyManifest, type Manifest } from '../manifest/index.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import { openMetadata, PlainReader, streamEncryptionOf } from '../vault/index.ts'
import type { ArrivingBytes } from './arriving-bytes.ts'
import type { Plan } from './plan.ts'

const CHUNK_BYTES = 256 * 1024

interface OpenArriving {
  readonly bytes: ArrivingBytes
  readonly plan: Plan
  /** For want of a better one. */
  readonly name: string
  /** The key of an encrypted item; throws as `FileKeys.get`. */
  readonly keyOf: (manifest: Manifest) => Promise<Buffer>
}

/**
 * A download as the file it will be.
 * @throws {AppError} `UNAVAILABLE` while too little is known of it; `KEY_NEEDED`, `ENVELOPE_INVALID`, the wallet's own error
 */
export async function openArriving({ bytes, plan, name, keyOf }: OpenArriving): Promise<PlainFile> {
  const { described, mediaId } = plan
  const manifest = described === undefined ? undefined : verifyManifest(described.manifest, { mediaId })
  if (manifest?.encryption?.enabled === true) {
    const fileKey = await keyOf(manifest)
    try {
      return await openSealed(bytes, manifest, fileKey)
    } finally {
      fileKey.fill(0)
    }
  }
  const sizeBytes = manifest?.size ?? bytes.sizeBytes
  if (sizeBytes === undefined || plan.isEncrypted) {
    throw new AppError('UNAVAILABLE', 'Too little is known of this download yet to read it.', {
      hint: 'Try again when its size and type are shown.',
    })
  }
  const mime = manifest?.mime ?? 'application/octet-stream'
  return openClear(bytes, { name: manifest?.name ?? name, mime, sizeBytes })
}

/** A file that is stored as it is, while it arrives. */
function openClear(
  bytes: ArrivingBytes,
  about: { readonly name: string; readonly mime: string; readonly sizeBytes: number },
): PlainFile {
  bytes.enter()
  let isOpen = true
  return {
    ...about,
    async *read(start, endExclusive, signal) {
      for (let at = start; at < Math.min(endExclusive, about.sizeBytes);) {
        // The first chunk is small, so that the first byte is there soon.
        const wanted = at === start ? CHUNK_BYTES / 4 : CHUNK_BYTES
        const chunk = Buffer.allocUnsafeSlow(Math.min(wanted, endExclusive - at, about.sizeBytes - at))
        if (!isOpen) throw closed()
        await bytes.read(chunk, at, signal)
        at += chunk.length
        yield chunk
      }
    },
    close: () => {
      if (isOpen) bytes.leave()
      isOpen = false
      return Promise.resolve()
    },
  }
}

/**
 * A file that is stored encrypted, while it arrives: each segment is decrypted when all of it is there.
 * @param fileKey left untouched
 * @throws {AppError} `KEY_NEEDED` for another item's key, `MANIFEST_INVALID`, `CIPHERTEXT_INVALID`
 */
async function openSealed(bytes: ArrivingBytes, manifest: Manifest, fileKey: Uint8Array): Promise<PlainFile> {
  const { sealed } = manifest.encryption ?? {}
  const about = sealed === undefined ? undefined : openMetadata(fileKey, sealed)
  bytes.enter()
  let isOpen = true
  const leave = (): void => {
    if (isOpen) bytes.leave()
    isOpen = false
  }
  try {
    const reader = await PlainReader.open({
      stored: {
        sizeBytes: manifest.size,
        read: (target, position, signal) => bytes.read(target, position, signal),
      },
      encryption: streamEncryptionOf(manifest),
      fileKey,
    })
    return {
      name: about?.name ?? manifest.name ?? 'media',
      mime: about?.mime ?? manifest.mime,
      sizeBytes: reader.sizeBytes,
      read: (start, endExclusive, signal, isLent) => reader.read(start, endExclusive, signal, isLent),
      close: () => {
        reader.close()
        leave()
        return Promise.resolve()
      },
    }
  } catch (error) {
    leave()
    throw error
  }
}

function closed(): AppError {
  return new AppError('CANCELLED', 'This file was closed while it was read.')
}
