import { AccessLevel, MediaId, type Protection } from '../contract/index.ts'

/** What became of an item's bytes since they were last known to be right. */
export type FileState = 'ok' | 'checking' | 'changed' | 'missing'

/** One item as the database knows it. */
export interface ItemRow {
  readonly mediaId: MediaId
  readonly name: string
  readonly mime: string
  readonly sizeBytes: number
  readonly protection: Protection
  /** Bytes of the file itself, when it is stored encrypted. */
  readonly plainSizeBytes?: number
  /** Owner keys of those it is shared with. */
  readonly sharedWith: readonly string[]
  /** The Lit network gives its key to whoever fulfils conditions. */
  readonly hasConditions: boolean
  readonly accessLevel: AccessLevel
  readonly infoHash?: string
  readonly pieceLength?: number
  readonly isSeedingWanted: boolean
  readonly isOwn: boolean
  /** 66 hex. */
  readonly owner: string
  /** ISO 8601, as in the manifest. */
  readonly createdAt: string
  readonly addedAtMs: number
  readonly uploadedBytes: number
  readonly lastServedAtMs?: number
  readonly manifestVersion: number
  readonly fileState: FileState
  /** A step of the outbox that keeps failing for it. */
  readonly failedStep?: string
  readonly trashedAtMs?: number
}

/** What is stored beside the row and concerns the library alone. */
export interface StoredItem extends ItemRow {
  readonly fileIdentity: string | null
  readonly badIdentity: string | null
  readonly isVerified: boolean
  readonly isManifestPending: boolean
}

/** As SQLite gives it. */
export interface RawItem {
  media_id: string
  name: string
  mime: string
  size_bytes: number
  protection: Protection
  plain_size_bytes: number | null
  shared_with: string
  has_conditions: number
  access_level: string
  info_hash: string | null
  piece_length: number | null
  is_seeding_wanted: number
  is_own: number
  owner: string
  created_at: string
  added_at_ms: number
  uploaded_bytes: number
  last_served_at_ms: number | null
  manifest_version: number
  is_manifest_pending: number
  file_state: FileState
  file_identity: string | null
  bad_identity: string | null
  is_verified: number
  failed_step: string | null
  trashed_at_ms: number | null
}

/** The part of a stored item that others see. */
export function rowOf(item: StoredItem): ItemRow {
  const {
    fileIdentity: _identity,
    badIdentity: _bad,
    isVerified: _verified,
    isManifestPending: _pending,
    ...row
  } = item
  return row
}

export function fromRaw(raw: RawItem): StoredItem {
  return {
    mediaId: MediaId.parse(raw.media_id),
    name: raw.name,
    mime: raw.mime,
    sizeBytes: raw.size_bytes,
    protection: raw.protection,
    ...(raw.plain_size_bytes === null ? {} : { plainSizeBytes: raw.plain_size_bytes }),
    // Written by us alone.
    sharedWith: JSON.parse(raw.shared_with) as string[],
    hasConditions: raw.has_conditions === 1,
    accessLevel: AccessLevel.parse(raw.access_level),
    ...(raw.info_hash === null ? {} : { infoHash: raw.info_hash }),
    ...(raw.piece_length === null ? {} : { pieceLength: raw.piece_length }),
    isSeedingWanted: raw.is_seeding_wanted === 1,
    isOwn: raw.is_own === 1,
    owner: raw.owner,
    createdAt: raw.created_at,
    addedAtMs: raw.added_at_ms,
    uploadedBytes: raw.uploaded_bytes,
    ...(raw.last_served_at_ms === null ? {} : { lastServedAtMs: raw.last_served_at_ms }),
    manifestVersion: raw.manifest_version,
    isManifestPending: raw.is_manifest_pending === 1,
    fileState: raw.file_state,
    fileIdentity: raw.file_identity,
    badIdentity: raw.bad_identity,
    isVerified: raw.is_verified === 1,
    ...(raw.failed_step === null ? {} : { failedStep: raw.failed_step }),
    ...(raw.trashed_at_ms === null ? {} : { trashedAtMs: raw.trashed_at_ms }),
  }
}
