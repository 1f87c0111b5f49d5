import { AppError } from '../contract/index.ts'
import type { AccessLevel } from '../contract/index.ts'
import { canonicalHash, manifestHash } from './canonical.ts'
import type { Manifest, UnsignedManifest } from './schema.ts'
import { verifyManifest } from './verify.ts'

/** Signs for the owner of this node; `publicKey` is what the world knows him by. */
export interface OwnerSigner {
  /** 66 hex, compressed secp256k1. */
  readonly publicKey: string
  /** @returns 64 bytes, compact ECDSA with low S, over exactly these 32 bytes */
  sign(hash32: Uint8Array): Uint8Array
}

export interface ManifestInput {
  readonly mediaId: string
  readonly sizeBytes: number
  readonly mime: string
  readonly name?: string | undefined
  /** ISO 8601 UTC or milliseconds since the epoch; with `previous`, that version's when left out. */
  readonly createdAt?: string | number | undefined
  readonly accessLevel: AccessLevel
  /** 66 hex. */
  readonly owner: string
  readonly bittorrent?: NonNullable<NonNullable<Manifest['transport']>['bittorrent']> | undefined
  readonly http?: readonly string[] | undefined
  readonly supersedes?: string | undefined
  /** Hashes of the first bytes, which the network may carry. @defaultValue as the version before says */
  readonly chunks?: Manifest['chunks']
  /** How the bytes are encrypted, and for whom. @defaultValue as the version before says, else not at all */
  readonly encryption?: Manifest['encryption']
  /** Owner keys of those it is shared with. @defaultValue as the version before says */
  readonly sharedWith?: readonly string[] | undefined
  /** The version this one follows; its fields that are not named here are carried over, unknown ones included. */
  readonly previous?: Manifest | undefined
}

/**
 * The next version of an item's manifest (version 1 without `previous`), ready to be signed. Absent fields are left
 * out, never null or empty.
 */
export function buildManifest(input: ManifestInput): UnsignedManifest {
  const { previous } = input
  const { name: _name, previous: _before, supersedes: _replaced, transport, ...kept } = previous ?? {}
  const { bittorrent: _torrent, http: _http, ...otherTransport } = transport ?? {}
  const nextTransport = {
    ...otherTransport,
    ...(input.bittorrent === undefined ? {} : { bittorrent: input.bittorrent }),
    ...(input.http === undefined || input.http.length === 0 ? {} : { http: [...input.http] }),
  }
  const { creatorSig: _signature, ...oip } = previous?.oip ?? {}
  const supersedes = input.supersedes ?? previous?.supersedes
  return {
    ...kept,
    id: input.mediaId,
    did: `did:gun:media:${input.mediaId}`,
    mime: input.mime,
    size: input.sizeBytes,
    createdAt: createdAtOf(input),
    ...(input.name === undefined || input.name === '' ? {} : { name: input.name }),
    version: (previous?.version ?? 0) + 1,
    ...(previous === undefined ? {} : { previous: manifestHash(previous) }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(input.chunks === undefined ? {} : { chunks: input.chunks }),
    encryption: input.encryption ?? previous?.encryption ?? { enabled: false },
    ...(Object.keys(nextTransport).length === 0 ? {} : { transport: nextTransport }),
    accessControl: {
      created_by: input.owner,
      ...previous?.accessControl,
      ...(input.sharedWith === undefined || input.sharedWith.length === 0
        ? {}
        : { shared_with: [...input.sharedWith] }),
      access_level: input.accessLevel,
      owner_public_key: input.owner,
    },
    oip: { ...oip, creatorPubKey: input.owner },
  }
}

/**
 * Puts the owner's signature on a manifest.
 * @throws {AppError} `SIGNATURE_INVALID` when the signer is not the owner the manifest names;
 * `MANIFEST_INVALID` when the result is not a valid manifest, so that no bad one ever leaves this node
 */
export function signManifest(unsigned: UnsignedManifest, signer: OwnerSigner): Manifest {
  if (unsigned.oip.creatorPubKey !== signer.publicKey) {
    throw new AppError(
      'SIGNATURE_INVALID',
      'This item belongs to another owner, so it cannot be signed with this wallet.',
    )
  }
  const creatorSig = Buffer.from(signer.sign(canonicalHash(unsigned))).toString('base64url')
  return verifyManifest({ ...unsigned, oip: { ...unsigned.oip, creatorSig } })
}

function createdAtOf({ createdAt, previous }: ManifestInput): string {
  if (typeof createdAt === 'string') return createdAt
  if (createdAt !== undefined) return new Date(createdAt).toISOString()
  if (previous !== undefined) return previous.createdAt
  throw new TypeError('createdAt is needed for the first version')
}
