import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatLink } from '../../app/fetching/index.ts'
import { buildManifest, signManifest, type Manifest } from '../../app/manifest/index.ts'
import { buildMetainfo, magnetURI } from '../../app/seeding/index.ts'
import {
  deriveStreamKeys,
  encryptionField,
  makeEnvelope,
  newFileKey,
  sealMetadata,
  storedSizeOf,
} from '../../app/vault/index.ts'
import { newSalt, sealSegment } from '../../app/stream-cipher.ts'
import { SEGMENT_BYTES, SEGMENT_PLAIN_BYTES } from '../../app/segments.ts'
import { testRecipient, testSigner } from './fetch-node.ts'
import { makeSample, type SampleTorrent } from './sample-torrent.ts'

/** An encrypted item as its owner publishes it; as a sample it is the ciphertext. */
export interface EncryptedItem extends SampleTorrent {
  readonly plain: Buffer
  readonly plainName: string
  readonly fileKey: Buffer
  readonly manifest: Manifest
  readonly manifestBytes: Buffer
  link(parts: {
    readonly peers?: readonly string[]
    readonly key?: string | null
    readonly expiresAtMs?: number
  }): string
}

interface EncryptedOptions {
  readonly dir: string
  readonly sizeBytes: number
  readonly owner?: string
  /** Wallets, by their word. */
  readonly people?: readonly string[]
  readonly plainName?: string
  readonly mime?: string
  readonly pieceLength?: number
  readonly trackers?: readonly string[]
}

export async function makeEncrypted(options: EncryptedOptions): Promise<EncryptedItem> {
  const { dir, owner = 'publisher', people = [], pieceLength = 64 * 1024, trackers = [] } = options
  const plainName = options.plainName ?? 'a private film.mp4'
  const { bytes: plain, mediaId: plainHash } = await makeSample({ ...options, name: 'plain.bin' })
  const [fileKey, salt] = [newFileKey(), newSalt()]
  const bytes = encrypt(plain, fileKey, salt)
  const mediaId = hash('sha256', bytes, 'hex')
  const pieces = Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / pieceLength) }, (_, index) =>
      hash('sha1', bytes.subarray(index * pieceLength, (index + 1) * pieceLength), 'buffer'),
    ),
  )
  const { metainfo, infoHash } = buildMetainfo({
    name: 'media',
    sizeBytes: bytes.length,
    pieceLength,
    pieces,
    trackers,
  })
  const signer = testSigner(owner)
  const encryption = encryptionField({
    fileKey,
    salt,
    authTag: bytes.subarray(-16),
    plainSizeBytes: plain.length,
    mediaId,
    sealed: sealMetadata(fileKey, { name: plainName, mime: options.mime ?? 'video/mp4', plainHash }),
    keyEnvelope: await makeEnvelope({
      fileKey,
      mediaId,
      version: 1,
      recipients: [owner, ...people].map(testRecipient),
    }),
  })
  const unsigned = buildManifest({
    mediaId,
    sizeBytes: bytes.length,
    mime: 'application/octet-stream',
    createdAt: '2026-01-02T03:04:05.000Z',
    accessLevel: people.length === 0 ? 'private' : 'shared',
    owner: signer.publicKey,
    bittorrent: {
      infoHash,
      magnetURI: magnetURI({ infoHash, name: 'media', trackers }),
      trackers: [...trackers],
      pieceLength,
    },
  })
  const manifest = signManifest(
    {
      ...unsigned,
      encryption,
      accessControl: {
        ...unsigned.accessControl,
        ...(people.length === 0 ? {} : { shared_with: people.map((word) => testSigner(word).publicKey) }),
      },
    },
    signer,
  )
  const path = join(dir, `${mediaId.slice(0, 8)}-media`)
  const metainfoPath = `${path}.torrent`
  await Promise.all([writeFile(path, bytes), writeFile(metainfoPath, metainfo)])
  return {
    mediaId,
    name: 'media',
    path,
    sizeBytes: bytes.length,
    infoHash,
    metainfo,
    metainfoPath,
    bytes,
    plain,
    plainName,
    fileKey,
    manifest,
    manifestBytes: Buffer.from(JSON.stringify(manifest)),
    link: ({ peers = [], key = fileKey.toString('base64url'), expiresAtMs }) =>
      formatLink({
        mediaId,
        infoHash,
        isEncrypted: true,
        pub: testRecipient(owner).pub,
        trackers,
        peers,
        ...(key === null ? {} : { key }),
        expiresAtMs,
      }),
  }
}

function encrypt(plain: Buffer, fileKey: Buffer, salt: Buffer): Buffer {
  const keys = deriveStreamKeys(fileKey, salt)
  const bytes = Buffer.alloc(storedSizeOf(plain.length))
  const count = Math.max(1, Math.ceil(plain.length / SEGMENT_PLAIN_BYTES))
  for (let index = 0; index < count; index += 1) {
    const part = plain.subarray(index * SEGMENT_PLAIN_BYTES, (index + 1) * SEGMENT_PLAIN_BYTES)
    sealSegment(keys, index, index === count - 1, part, bytes.subarray(index * SEGMENT_BYTES))
  }
  return bytes
}
