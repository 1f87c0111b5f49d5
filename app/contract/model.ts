import { z } from 'zod'

/** 64 lowercase hex: sha256 of the stored bytes. */
export const MediaId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<'MediaId'>()
export type MediaId = z.output<typeof MediaId>

/** 40 lowercase hex: SHA-1 of the torrent's info dictionary (BEP 3). */
export const InfoHash = z.string().regex(/^[0-9a-f]{40}$/)

/** Non-negative whole bytes. */
export const SizeBytes = z.int().nonnegative()
/** Milliseconds since the Unix epoch. */
export const TimestampMs = z.int().nonnegative()

export const AccessLevel = z.enum(['public', 'private', 'shared', 'organization'])
export type AccessLevel = z.output<typeof AccessLevel>

/**
 * What an item is doing, as one word; the view turns it into one sentence.
 * - `ready`: complete and kept; not announced (private, or seeding switched off for it)
 * - `seeding`: announced and served to whoever asks
 * - `paused`: it would seed, but seeding is paused for the whole node or the node is stopping
 * - `checking`: its bytes are being verified; not served meanwhile
 * - `changed`: the file on disk is not the one that was added; not served
 * - `missing`: the file is gone from the media folder; not served
 * - `offline`: the whole media folder is away (drive not connected); nothing is touched
 */
export const ItemState = z.enum(['ready', 'seeding', 'paused', 'checking', 'changed', 'missing', 'offline'])
export type ItemState = z.output<typeof ItemState>

/**
 * What lies on the disk, and whether this node can read it.
 * - `none`: the bytes are as they were added
 * - `readable`: ciphertext, and the wallet or a kept link opens it
 * - `locked`: ciphertext; nobody can tell until the wallet is open
 * - `needs-key`: ciphertext for others: it can be kept and passed on, not read
 */
export const Protection = z.enum(['none', 'readable', 'locked', 'needs-key'])
export type Protection = z.output<typeof Protection>

/** 66 lowercase hex: a person, by the public key of their wallet (compressed secp256k1). */
export const PersonKey = z.string().regex(/^0[23][0-9a-f]{64}$/)

export const Item = z.object({
  mediaId: MediaId,
  /** Of an encrypted item: the sealed name where it can be read, else a neutral one. */
  name: z.string(),
  /** The same of its media type. */
  mime: z.string(),
  /** Stored bytes. */
  sizeBytes: SizeBytes,
  protection: Protection,
  /** Bytes of the file itself, when it is stored encrypted. */
  plainSizeBytes: SizeBytes.optional(),
  /** How many people beside its owner can read it. */
  sharedWith: z.int().nonnegative(),
  /** Beside them the Lit network gives its key to whoever fulfils conditions. */
  hasConditions: z.boolean(),
  accessLevel: AccessLevel,
  state: ItemState,
  /** The "seed this" switch. */
  isSeedingWanted: z.boolean(),
  /** Published by this node's owner (else: fetched from somebody). */
  isOwn: z.boolean(),
  infoHash: InfoHash.optional(),
  addedAtMs: TimestampMs,
  /** Peers connected for this item right now. */
  peers: z.int().nonnegative(),
  uploadedBytes: SizeBytes,
  uploadRateBytesPerSec: z.number().nonnegative(),
  lastServedAtMs: TimestampMs.optional(),
})
export type Item = z.output<typeof Item>

/** A road by which bytes of an item arrive or leave. */
export const SourceKind = z.enum(['torrent', 'http', 'ipfs', 'arweave', 'gun'])
export const TransferSource = z.object({
  kind: SourceKind,
  /** What the user can recognise it by: a host, or `swarm`. */
  label: z.string(),
  state: z.enum(['connecting', 'active', 'idle', 'failed', 'dropped']),
  bytes: SizeBytes,
  /** Why it failed or was dropped, in plain words. */
  note: z.string().optional(),
})
export type TransferSource = z.output<typeof TransferSource>

export const ErrorInfo = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
})

/**
 * Stages in order: add = read (hash, pieces, cipher and copy in one pass) → store → seed; get = find → download → verify →
 * store → seed; save (a decrypted copy) = read → verify → store; rekey (encrypted anew) = read → store → seed.
 */
export const TransferStage = z.enum(['find', 'read', 'download', 'verify', 'store', 'seed'])
export type TransferStage = z.output<typeof TransferStage>

/**
 * queued → active ⇄ paused → done | failed | cancelled. `failed` can be retried (→ queued).
 * A transfer that was queued, active or paused when the node died is queued (or paused) again when it returns.
 */
export const TransferState = z.enum(['queued', 'active', 'paused', 'done', 'failed', 'cancelled'])
export type TransferState = z.output<typeof TransferState>

export const Transfer = z.object({
  id: z.string(),
  kind: z.enum(['add', 'get', 'save', 'rekey']),
  name: z.string(),
  state: TransferState,
  stage: TransferStage,
  bytesDone: SizeBytes,
  bytesTotal: SizeBytes.optional(),
  rateBytesPerSec: z.number().nonnegative(),
  etaMs: z.int().nonnegative().optional(),
  createdAtMs: TimestampMs,
  accessLevel: AccessLevel.optional(),
  isEncrypted: z.boolean().default(false),
  mediaId: MediaId.optional(),
  /** A download that can be watched already: enough is known to read it from the front, or anywhere, as it arrives. */
  isPlayable: z.boolean().default(false),
  /** A download that nobody offers at the moment: it goes on looking. */
  isUnoffered: z.boolean().default(false),
  /** Which of several goes first. */
  priority: z.enum(['high', 'normal', 'low']).default('normal'),
  /** The same bytes were already in the library; nothing was stored twice. */
  isDuplicate: z.boolean(),
  /** No second copy of the bytes was written (reflink or hard link). */
  isLinked: z.boolean(),
  sources: z.array(TransferSource),
  error: ErrorInfo.optional(),
})
export type Transfer = z.output<typeof Transfer>

/** Somebody items can be shared with, as their signed card says. */
export const Contact = z.object({
  owner: PersonKey,
  /** What the user calls them. */
  name: z.string(),
  /** What they call themselves, when the card says so. */
  cardName: z.string().optional(),
  /** Their SEA signing key. */
  pub: z.string(),
  /** Short form of their owner key for comparing aloud: four groups of four. */
  fingerprint: z.string(),
  addedAtMs: TimestampMs,
  cardIssuedAtMs: TimestampMs,
})
export type Contact = z.output<typeof Contact>

/** Somebody who can read an item. */
export const Person = z.object({
  owner: PersonKey,
  /** Of the contact; absent for somebody who is none. */
  name: z.string().optional(),
  isOwner: z.boolean(),
  fingerprint: z.string(),
})
export type Person = z.output<typeof Person>

/** A thing that happened which the user should know once (database rebuilt, manifest moved aside, …). */
export const Notice = z.object({
  id: z.string(),
  level: z.enum(['info', 'warning', 'error']),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  atMs: TimestampMs,
})
export type Notice = z.output<typeof Notice>

export const TrackerStatus = z.object({
  url: z.string(),
  state: z.enum(['connecting', 'working', 'failing', 'off']),
  message: z.string().optional(),
  lastAnsweredAtMs: TimestampMs.optional(),
})

/** How many others have an item, who says so, and how fresh that is. */
export const Copies = z.object({
  /** Nodes whose signed presence names it. */
  presence: z.int().nonnegative(),
  presenceAtMs: TimestampMs.optional(),
  /** Complete copies trackers speak of; absent while none was asked. */
  swarm: z.int().nonnegative().optional(),
  /** When a tracker said so. */
  swarmAtMs: TimestampMs.optional(),
})
export type Copies = z.output<typeof Copies>

export const MediaKind = z.enum(['video', 'audio', 'image', 'text', 'other'])
export type MediaKind = z.output<typeof MediaKind>

/** An item somebody published, as its verified manifest says. */
export const FoundItem = z.object({
  mediaId: MediaId,
  /** 66 hex: who published it. */
  owner: PersonKey,
  /** Of the contact or of one who is followed. */
  ownerName: z.string().optional(),
  name: z.string(),
  mime: z.string(),
  sizeBytes: SizeBytes,
  createdAtMs: TimestampMs,
  accessLevel: AccessLevel,
  protection: Protection,
  /** How many people beside its owner can read it. */
  sharedWith: z.int().nonnegative(),
  hasConditions: z.boolean(),
  /** Published by this node's owner. */
  isOwn: z.boolean(),
  /** These bytes are in this library already, whoever published them. */
  isHeld: z.boolean(),
  isFollowed: z.boolean(),
  copies: Copies,
})
export type FoundItem = z.output<typeof FoundItem>

/** Somebody whose new items are looked for. */
export const Publisher = z.object({
  /** SEA public key: the space only they can write to. Empty while nobody has told it: then they can't be followed yet. */
  pub: z.string(),
  owner: PersonKey.optional(),
  name: z.string().optional(),
  fingerprint: z.string(),
  isFollowed: z.boolean(),
  isContact: z.boolean(),
  items: z.int().nonnegative(),
  followedAtMs: TimestampMs.optional(),
  /** When their list was last read from a relay. */
  checkedAtMs: TimestampMs.optional(),
})
export type Publisher = z.output<typeof Publisher>

/** Where the wallet's entropy lives, and whether it can be used now. */
export const WalletStatus = z.object({
  storage: z.enum(['keychain', 'passphrase', 'keyfile']),
  state: z.enum(['ready', 'locked', 'absent', 'denied', 'wrong', 'damaged']),
  /** 66 hex, compressed secp256k1; absent while the wallet can't be opened. */
  owner: z.string().optional(),
  message: z.string().optional(),
  /** The words were shown and asked back, or a backup file was written, or it came from words. */
  isBackedUp: z.boolean(),
  /** It was made by itself at the first start and nothing depends on it yet: it may be replaced without losing anything. */
  isReplaceable: z.boolean(),
})
export type WalletStatus = z.output<typeof WalletStatus>

/** One GUN relay the user listed. */
export const RelayStatus = z.object({
  url: z.string(),
  state: z.enum(['connecting', 'open', 'waiting']),
  sinceMs: TimestampMs,
  /** Why it is waiting. */
  error: z.string().optional(),
})
export type RelayStatus = z.output<typeof RelayStatus>

export const NodeStatus = z.object({
  version: z.string(),
  nodeId: z.string(),
  startedAtMs: TimestampMs,
  url: z.string(),
  controlUrl: z.string(),
  peerPort: z.int(),
  media: z.object({
    dir: z.string(),
    state: z.enum(['ok', 'offline', 'read-only', 'low-space']),
    freeBytes: SizeBytes.optional(),
    usedBytes: SizeBytes,
  }),
  wallet: WalletStatus,
  seeding: z.object({
    isPaused: z.boolean(),
    items: z.int(),
    peersTcp: z.int(),
    peersWebrtc: z.int(),
    uploadRateBytesPerSec: z.number(),
    downloadRateBytesPerSec: z.number(),
    uploadedBytes: SizeBytes,
  }),
  trackers: z.array(TrackerStatus),
  /** GUN: where manifests and presence are told and found. Without it only freshness is lost. */
  network: z.object({
    state: z.enum(['off', 'starting', 'running', 'restarting']),
    relays: z.array(RelayStatus),
    /** Own items that none of the listed relays has yet; absent where none is listed, or all traffic is paused. */
    owed: z.int().nonnegative().optional(),
    /** By how much this computer's clock is wrong, as its relays say; negative when it is behind. Absent while it is right. */
    clockAheadMs: z.int().optional(),
    /** Others' connections to this node's own `/gun`. */
    sockets: z.int().nonnegative(),
    memoryBytes: SizeBytes,
    restarts: z.int().nonnegative(),
    /** What strangers sent and nobody looked at, by reason. */
    dropped: z.record(z.string(), z.int()),
  }),
  /** Refusals nobody waited for since it started: bugs, each in the log with its stack. */
  unheardErrors: z.int().nonnegative(),
  notices: z.array(Notice),
})
export type NodeStatus = z.output<typeof NodeStatus>
