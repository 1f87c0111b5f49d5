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
