import { createHash } from 'node:crypto'
import {
  buildManifest,
  canonicalJson,
  signManifest,
  type Manifest,
  type ManifestInput,
  type OwnerSigner,
} from '../../app/manifest/index.ts'
import { verifyRevocation, type Revocation } from '../../app/sharing/index.ts'
import { newSalt } from '../../app/stream-cipher.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import {
  encryptionField,
  makeEnvelope,
  newFileKey,
  sealMetadata,
  storedSizeOf,
} from '../../app/vault/index.ts'

/** A signed manifest of an item that never was. */
export function makeManifest(
  owner: OwnerSigner,
  name: string,
  more: Partial<ManifestInput> & { readonly previous?: Manifest } = {},
): Manifest {
  const infoHash = createHash('sha1').update(name).digest('hex')
  return signManifest(
    buildManifest({
      mediaId: createHash('sha256').update(name).digest('hex'),
      sizeBytes: 1_000_000,
      mime: 'video/mp4',
      name,
      createdAt: '2026-11-26T12:00:00.000Z',
      accessLevel: 'public',
      owner: owner.publicKey,
      bittorrent: {
        magnetURI: `magnet:?xt=urn:btih:${infoHash}`,
        infoHash,
        trackers: ['wss://tracker.example.org'],
        pieceLength: 65_536,
      },
      ...more,
    }),
    owner,
  )
}

export function makeRevocation(owner: OwnerSigner, mediaId: string, reason = 'made again'): Revocation {
  const unsigned = { mediaId, reason, at: '2026-11-26T13:00:00.000Z', owner: owner.publicKey }
  const digest = createHash('sha256').update(canonicalJson(unsigned)).digest()
  return verifyRevocation({ ...unsigned, sig: Buffer.from(owner.sign(digest)).toString('base64url') })
}

/** A signed manifest of ciphertext that never was, sealed, and shared with so many people. */
export async function makeSharedManifest(owner: OwnerSigner, name: string, people = 1): Promise<Manifest> {
  const fileKey = newFileKey()
  const mediaId = createHash('sha256').update(name).digest('hex')
  const plainSizeBytes = 999_984
  const recipients = Array.from({ length: people }, (_, index) => {
    const { pub, epub } = seaPairFromSeed(createHash('sha512').update(`${name} ${index}`).digest())
    return { owner: `02${createHash('sha256').update(pub).digest('hex')}`, pub, epub }
  })
  return makeManifest(owner, name, {
    name: undefined,
    mime: 'application/octet-stream',
    sizeBytes: storedSizeOf(plainSizeBytes),
    accessLevel: 'shared',
    sharedWith: recipients.map((person) => person.owner),
    encryption: encryptionField({
      fileKey,
      salt: newSalt(),
      authTag: Buffer.alloc(16, 1),
      plainSizeBytes,
      mediaId,
      sealed: sealMetadata(fileKey, { name, mime: 'video/mp4', plainHash: mediaId }),
      keyEnvelope: await makeEnvelope({ fileKey, mediaId, version: 1, recipients }),
    }),
  })
}
