import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { AccessLevel } from '../../../app/contract/index.ts'
import { buildManifest, signManifest } from '../../../app/manifest/index.ts'
import type { Manifest, OwnerSigner } from '../../../app/manifest/index.ts'
import { buildMetainfo, magnetURI } from '../../../app/seeding/index.ts'
import {
  deriveStreamKeys,
  encryptionField,
  makeEnvelope,
  newFileKey,
  sealMetadata,
  storedSizeOf,
} from '../../../app/vault/index.ts'
import { newSalt, sealSegment } from '../../../app/stream-cipher.ts'
import { SEGMENT_PLAIN_BYTES } from '../../../app/segments.ts'
import type { Recipient } from '../../../app/vault/index.ts'
import type { ItemRow } from '../../../app/library/index.ts'
import type { TestNode } from '../http/test-node.ts'

const PIECE_LENGTH = 65_536
const TRACKERS = ['http://127.0.0.1:1/announce']

interface Published {
  readonly signer: OwnerSigner
  readonly name: string
  readonly mime?: string
  readonly accessLevel: AccessLevel
  readonly sharedWith?: readonly string[]
  readonly createdAt?: string
}

export interface StoredItem {
  readonly row: ItemRow
  readonly manifest: Manifest
  /** As it lies on the disk. */
  readonly stored: Buffer
}

/** Puts an item that somebody (not this node's owner) published into the node's library, as a download would. */
export async function storePlain(
  node: TestNode,
  bytes: Uint8Array,
  published: Published,
): Promise<StoredItem> {
  const { name, mime = 'application/octet-stream', accessLevel } = published
  const torrent = accessLevel === 'public' ? torrentOf(bytes, name) : undefined
  const unsigned = buildManifest({
    mediaId: sha256(bytes),
    sizeBytes: bytes.length,
    mime,
    name,
    createdAt: published.createdAt ?? '2026-11-26T12:00:00.000Z',
    accessLevel,
    owner: published.signer.publicKey,
    bittorrent: torrent?.bittorrent,
  })
  return store(node, Buffer.from(bytes), withPeople(unsigned, published), published, torrent?.metainfo)
}

/** The same of a file that is sealed for `recipients` first. */
export async function storeEncrypted(
  node: TestNode,
  plain: Uint8Array,
  published: Published & { readonly recipients: readonly Recipient[] },
): Promise<StoredItem> {
  const { name, mime = 'application/octet-stream', accessLevel, recipients } = published
  const fileKey = newFileKey()
  const salt = newSalt()
  const stored = sealAll(plain, fileKey, salt)
  const mediaId = sha256(stored)
  const torrent = torrentOf(stored, 'media')
  const unsigned = buildManifest({
    mediaId,
    sizeBytes: stored.length,
    mime: 'application/octet-stream',
    createdAt: published.createdAt ?? '2026-11-26T12:00:00.000Z',
    accessLevel,
    owner: published.signer.publicKey,
    bittorrent: torrent.bittorrent,
  })
  const encryption = encryptionField({
    fileKey,
    salt,
    authTag: stored.subarray(stored.length - 16),
    plainSizeBytes: plain.length,
    mediaId,
    sealed: sealMetadata(fileKey, { name, mime, plainHash: sha256(plain) }),
    keyEnvelope: await makeEnvelope({ fileKey, mediaId, version: 1, recipients }),
  })
  return store(node, stored, { ...withPeople(unsigned, published), encryption }, published, torrent.metainfo)
}

function withPeople(
  unsigned: ReturnType<typeof buildManifest>,
  { sharedWith }: Published,
): ReturnType<typeof buildManifest> {
  if (sharedWith === undefined) return unsigned
  return { ...unsigned, accessControl: { ...unsigned.accessControl, shared_with: [...sharedWith] } }
}

async function store(
  node: TestNode,
  stored: Buffer,
  unsigned: ReturnType<typeof buildManifest>,
  { signer }: Published,
  metainfo: Uint8Array | undefined,
): Promise<StoredItem> {
  const manifest = signManifest(unsigned, signer)
  const staging = await node.folder.stage(randomUUID())
  await writeFile(staging.bytes, stored)
  const isOwn = signer.publicKey === node.owner
  const { row } = await node.library.commit({
    staging,
    mediaId: manifest.id,
    manifest,
    metainfo,
    isOwn,
    isSeedingWanted: true,
  })
  return { row, manifest, stored }
}

function sealAll(plain: Uint8Array, fileKey: Uint8Array, salt: Uint8Array): Buffer {
  const keys = deriveStreamKeys(fileKey, salt)
  const stored = Buffer.alloc(storedSizeOf(plain.length))
  const segments = Math.max(1, Math.ceil(plain.length / SEGMENT_PLAIN_BYTES))
  let at = 0
  for (let index = 0; index < segments; index += 1) {
    const part = plain.subarray(index * SEGMENT_PLAIN_BYTES, (index + 1) * SEGMENT_PLAIN_BYTES)
    at += sealSegment(keys, index, index === segments - 1, part, stored.subarray(at))
  }
  return stored
}

function torrentOf(bytes: Uint8Array, name: string) {
  const pieces = Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / PIECE_LENGTH) }, (_, index) =>
      createHash('sha1')
        .update(bytes.subarray(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH))
        .digest(),
    ),
  )
  const sizeBytes = bytes.length
  const { metainfo, infoHash } = buildMetainfo({
    name,
    sizeBytes,
    pieceLength: PIECE_LENGTH,
    pieces,
    trackers: TRACKERS,
  })
  const magnet = magnetURI({ infoHash, name, trackers: TRACKERS, webSeeds: [], sizeBytes })
  const bittorrent = { magnetURI: magnet, infoHash, trackers: TRACKERS, pieceLength: PIECE_LENGTH }
  return { metainfo, bittorrent }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
