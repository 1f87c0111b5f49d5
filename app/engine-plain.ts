import type { FileHandle } from 'node:fs/promises'
import { AppError } from './contract/index.ts'
import { readFully } from './file-bytes.ts'
import type { ItemRow, Library } from './library/index.ts'
import type { Manifest } from './manifest/index.ts'
import type { PlainFile } from './ports/plain-file.ts'
import { openMetadata, PlainReader, streamEncryptionOf } from './vault/index.ts'
import type { FileKeys, StoredBytes } from './vault/index.ts'

const BLOCK_BYTES = 512 * 1024
/** A player asks for the same item again at every seek. */
const MAX_REMEMBERED = 32

interface PlainOpenerParts {
  readonly library: Pick<Library, 'get' | 'manifest' | 'openFile' | 'reopenSealed'>
  /** Asks Lit's network for the key where the item says so: somebody is waiting to read it. */
  readonly fileKeys: Pick<FileKeys, 'fetch'>
}

/** Opens an item as the file that was added, decrypted where it is stored encrypted. */
export type OpenPlain = (mediaId: string) => Promise<PlainFile>

/**
 * Makes the one way to an item's plaintext: for the window, players on this computer and copies its owner saves.
 * What it gives throws `NOT_FOUND`, `KEY_NEEDED`, `ENVELOPE_INVALID`, `CIPHERTEXT_INVALID`, `MANIFEST_INVALID`, `LIT_UNAVAILABLE`, the wallet's own
 * errors while it is locked, and what `library.openFile` refuses with.
 */
export function plainOpener({ library, fileKeys }: PlainOpenerParts): OpenPlain {
  const manifests = new ManifestMemory(library)
  return async (mediaId) => {
    const row = library.get(mediaId)
    if (row === undefined) throw new AppError('NOT_FOUND', 'This item is not in the library.')
    if (row.protection === 'none') {
      const { handle, sizeBytes } = await library.openFile(mediaId)
      return openClear(handle, { name: row.name, mime: row.mime, sizeBytes })
    }
    const manifest = await manifests.get(row)
    const fileKey = await fileKeys.fetch(manifest).catch(async (error: unknown) => {
      // The link it was opened with has ended: it is told so from now on.
      if (row.protection === 'readable') await library.reopenSealed([mediaId])
      throw error
    })
    if (row.protection === 'needs-key') await library.reopenSealed([mediaId])
    try {
      const { handle, sizeBytes } = await library.openFile(mediaId)
      try {
        return await openSealed(handle, sizeBytes, manifest, fileKey)
      } catch (error) {
        await handle.close()
        throw error
      }
    } finally {
      fileKey.fill(0)
    }
  }
}

/** The manifests of items that were read last: to check a signature takes longer than to find and decrypt a segment. */
class ManifestMemory {
  readonly #library: PlainOpenerParts['library']
  /** By mediaId, the longest unused first. */
  readonly #known = new Map<string, { readonly of: string; readonly manifest: Manifest }>()

  constructor(library: PlainOpenerParts['library']) {
    this.#library = library
  }

  async get({ mediaId, owner, manifestVersion, addedAtMs }: ItemRow): Promise<Manifest> {
    // An item that was removed and came back may be described by somebody else.
    const of = `${owner} ${manifestVersion} ${addedAtMs}`
    const known = this.#known.get(mediaId)
    const manifest = known?.of === of ? known.manifest : await this.#library.manifest(mediaId)
    this.#known.delete(mediaId)
    this.#known.set(mediaId, { of, manifest })
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > MAX_REMEMBERED) this.#known.delete(oldest)
    return manifest
  }
}

function openClear(
  handle: FileHandle,
  about: { readonly name: string; readonly mime: string; readonly sizeBytes: number },
): PlainFile {
  const { sizeBytes } = about
  const stored = storedIn(handle, sizeBytes)
  return {
    ...about,
    async *read(start, endExclusive, signal) {
      for (let at = start; at < Math.min(endExclusive, sizeBytes); at += BLOCK_BYTES) {
        if (signal?.aborted === true) throw new AppError('CANCELLED', 'The reading was stopped.')
        const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, endExclusive - at, sizeBytes - at))
        await stored.read(block, at)
        yield block
      }
    },
    close: () => handle.close(),
  }
}

async function openSealed(
  handle: FileHandle,
  storedSizeBytes: number,
  manifest: Manifest,
  fileKey: Uint8Array,
): Promise<PlainFile> {
  const sealed = manifest.encryption?.sealed
  const about = sealed === undefined ? undefined : openMetadata(fileKey, sealed)
  const reader = await PlainReader.open({
    stored: storedIn(handle, storedSizeBytes),
    encryption: streamEncryptionOf(manifest),
    fileKey,
  })
  return {
    name: about?.name ?? manifest.name ?? 'media',
    mime: about?.mime ?? manifest.mime,
    sizeBytes: reader.sizeBytes,
    read: (start, endExclusive, signal, isLent) => reader.read(start, endExclusive, signal, isLent),
    close: async () => {
      reader.close()
      await handle.close()
    },
  }
}

function storedIn(handle: FileHandle, sizeBytes: number): StoredBytes {
  return {
    sizeBytes,
    read: async (target, position) => {
      if ((await readFully(handle, target, position)) === target.byteLength) return
      throw new AppError('HASH_MISMATCH', 'The file of this item became shorter while it was read.', {
        hint: 'Put the original back, or add or download it again.',
      })
    },
  }
}
