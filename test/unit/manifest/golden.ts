import { buildManifest, signManifest } from '../../../app/manifest/index.ts'
import type { Manifest } from '../../../app/manifest/index.ts'
import { testSigner } from './owner.ts'

const INFO_HASH = 'c12fe1c06bba254a9dc9f519b335aa7c1367a88a'
const TRACKERS = ['wss://tracker.openwebtorrent.com', 'wss://tracker.btorrent.xyz']

/** How the golden files of format version 1 were made; RFC 6979 signatures make that repeatable. */
export function goldenInputs(): Record<'public-v1' | 'public-v2' | 'private-v1', Manifest> {
  const signer = testSigner()
  const item = {
    mediaId: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    sizeBytes: 104_857_600,
    mime: 'video/mp4',
    name: 'Wörter & “quotes” – 日本語.mp4',
    createdAt: '2026-11-22T12:34:56.000Z',
    owner: signer.publicKey,
  }
  const bittorrent = {
    magnetURI: `magnet:?xt=urn:btih:${INFO_HASH}&dn=video`,
    infoHash: INFO_HASH,
    trackers: TRACKERS,
    pieceLength: 131_072,
  }
  const first = signManifest(buildManifest({ ...item, accessLevel: 'public', bittorrent }), signer)
  const withFuture = {
    ...buildManifest({
      ...item,
      name: 'Renamed.mp4',
      accessLevel: 'public',
      bittorrent,
      http: [`https://media.example.org/media/${item.mediaId}`],
      previous: first,
    }),
    'x-future': { kept: [1, 2.5, null, 'é'] },
  }
  const second = signManifest(withFuture, signer)
  const secret = signManifest(
    buildManifest({
      mediaId: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      sizeBytes: 0,
      mime: 'application/octet-stream',
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
      accessLevel: 'private',
      owner: signer.publicKey,
    }),
    signer,
  )
  return { 'public-v1': first, 'public-v2': second, 'private-v1': secret }
}
