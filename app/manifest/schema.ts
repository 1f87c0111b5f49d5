import { z } from 'zod'
import { AccessLevel } from '../contract/index.ts'
import { Encryption, parseEncryption } from './encryption.ts'

const Hex64 = z.string().regex(/^[0-9a-f]{64}$/, '64 lowercase hexadecimal digits expected')
/** Compressed secp256k1 point. */
const OwnerKey = z
  .string()
  .regex(/^0[23][0-9a-f]{64}$/, 'a compressed public key of 66 hexadecimal digits expected')
const Url = z.string().min(1).max(2048)
const Count = z.int().nonnegative()

const Bittorrent = z
  .looseObject({
    magnetURI: z.string().startsWith('magnet:?').max(16_384),
    infoHash: z.string().regex(/^[0-9a-f]{40}$/, '40 lowercase hexadecimal digits expected'),
    trackers: z.array(Url).max(64),
    /** Bytes. */
    pieceLength: z
      .int()
      .min(16_384)
      .max(64 * 1024 * 1024),
    webSeeds: z.array(Url).max(64).optional(),
  })
  .refine((torrent) => torrent.magnetURI.toLowerCase().includes(`xt=urn:btih:${torrent.infoHash}`), {
    message: 'the magnet link names another torrent',
    path: ['magnetURI'],
  })

const Transport = z.looseObject({
  bittorrent: Bittorrent.optional(),
  http: z.array(Url).max(64).optional(),
  ipfs: z
    .looseObject({ cid: z.string().min(1).max(256), gateways: z.array(Url).max(64).optional() })
    .optional(),
  arweave: z.looseObject({ txId: z.string().min(1).max(256), url: Url.optional() }).optional(),
  irys: z.looseObject({ id: z.string().min(1).max(256), url: Url.optional() }).optional(),
  arfleet: z
    .looseObject({
      id: z.string().min(1).max(256),
      url: Url.optional(),
      expiresAt: z.string().max(64).optional(),
    })
    .optional(),
})

const Oip = z.looseObject({
  recordDid: z.string().max(256).optional(),
  fieldPath: z.string().max(256).optional(),
  creatorPubKey: OwnerKey,
})

/** A manifest that nobody has put their name to yet. */
const UnsignedManifest = z.looseObject({
  /** The mediaId: sha256 of the stored bytes. */
  id: Hex64,
  /** `did:gun:media:<id>`. */
  did: z.string().max(128),
  mime: z
    .string()
    .regex(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/, 'a media type such as video/mp4 expected'),
  /** Stored bytes. */
  size: Count,
  /** ISO 8601, UTC. */
  createdAt: z.iso.datetime(),
  name: z.string().min(1).max(1024).optional(),
  version: z.int().positive(),
  /** manifestHash of the version before; absent in version 1. */
  previous: Hex64.optional(),
  /** The item this one replaces after it was encrypted anew. */
  supersedes: Hex64.optional(),
  encryption: Encryption.optional(),
  transport: Transport.optional(),
  chunks: z
    .looseObject({
      chunkSize: z.int().positive(),
      count: Count,
      hashes: z.array(Hex64).max(65_536).optional(),
    })
    .optional(),
  accessControl: z.looseObject({
    access_level: AccessLevel.optional(),
    owner_public_key: OwnerKey,
    created_by: OwnerKey.optional(),
    shared_with: z.array(z.string().max(512)).max(10_000).optional(),
  }),
  oip: Oip,
})
export type UnsignedManifest = z.output<typeof UnsignedManifest>

/**
 * The signed description of one item. Loose at every level: fields this version does not know are kept and are
 * covered by the signature. Nothing here transforms or fills in, so a value that passes is byte for byte what was signed.
 */
export const Manifest = UnsignedManifest.extend({
  oip: Oip.extend({
    /** 64-byte compact ECDSA, low S, base64url without padding. */
    creatorSig: z.string().regex(/^[A-Za-z0-9_-]{86}$/, '86 characters of base64url expected'),
  }),
}).superRefine(({ size, encryption }, context) => {
  if (encryption?.enabled !== true) return
  const parsed = parseEncryption(size, encryption)
  if (!('fault' in parsed)) return
  context.addIssue({ code: 'custom', path: ['encryption', parsed.field], message: parsed.fault })
})
export type Manifest = z.output<typeof Manifest>

/** Whether the bytes it describes are ciphertext. */
export function isEncrypted(manifest: UnsignedManifest): boolean {
  return manifest.encryption?.enabled === true
}

/** Who may see it; a manifest that does not say is private. */
export function accessLevelOf(manifest: UnsignedManifest): AccessLevel {
  return manifest.accessControl.access_level ?? 'private'
}
