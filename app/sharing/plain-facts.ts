import { AppError } from '../contract/index.ts'
import type { Library } from '../library/index.ts'
import type { Manifest } from '../manifest/index.ts'
import { openMetadata, streamEncryptionOf } from '../vault/index.ts'

/** What the file itself is, whatever way it is stored. */
export interface PlainFacts {
  readonly name: string
  readonly mime: string
  /** sha256 of the file itself, lowercase hex. */
  readonly plainHash: string
  readonly sizeBytes: number
}

/**
 * What is sealed in the manifest of an encrypted item, or said in the clear by that of another.
 * @param parts `keyOf` gives its key, which is wiped afterwards
 * @throws {AppError} `NOT_FOUND`, what `keyOf` throws, `KEY_NEEDED`, `ENVELOPE_INVALID`, `CIPHERTEXT_INVALID`, `KEYCHAIN_…` or `WALLET_…` while
 *   the wallet is closed, and what the library says of the media folder
 */
export async function plainFactsOf(
  { library, keyOf }: { library: Pick<Library, 'manifest'>; keyOf: (manifest: Manifest) => Promise<Buffer> },
  mediaId: string,
): Promise<PlainFacts & { readonly manifest: Manifest }> {
  const manifest = await library.manifest(mediaId)
  const { encryption } = manifest
  if (encryption?.enabled !== true) {
    const { name = 'media', mime, size } = manifest
    return { manifest, name, mime, plainHash: mediaId, sizeBytes: size }
  }
  const { plainSizeBytes } = streamEncryptionOf(manifest)
  const fileKey = await keyOf(manifest)
  try {
    if (encryption.sealed === undefined) throw unsealed()
    const { name = 'media', mime, plainHash } = openMetadata(fileKey, encryption.sealed)
    return { manifest, name, mime, plainHash, sizeBytes: plainSizeBytes }
  } finally {
    fileKey.fill(0)
  }
}

/** Without it nobody could tell whether what comes out is what went in. */
function unsealed(): AppError {
  return new AppError('MANIFEST_INVALID', 'This item does not say what file it is, so it can’t be checked.', {
    hint: 'Ask its owner to add it again.',
  })
}
