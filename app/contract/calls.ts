import { z } from 'zod'
import { AccessRule } from './access-rule.ts'
import {
  AccessLevel,
  Contact,
  Copies,
  FoundItem,
  Item,
  MediaId,
  MediaKind,
  NodeStatus,
  Notice,
  Person,
  PersonKey,
  Publisher,
  SizeBytes,
  SourceKind,
  TimestampMs,
  Transfer,
} from './model.ts'
import { SettingsPatch, SettingsView } from './settings.ts'

const Nothing = z.object({})
const AbsolutePath = z.string().min(1).max(4096)
const TransferId = z.object({ id: z.string().min(1).max(64) })
/** Contacts, by their owner key. */
const People = z.array(PersonKey).max(100)
const MediaIds = z.object({ mediaIds: z.array(MediaId).min(1).max(10_000) })

const ListArgs = z.strictObject({
  offset: z.int().nonnegative().default(0),
  limit: z.int().min(1).max(500).default(100),
  search: z.string().max(200).optional(),
  filter: z.enum(['all', 'attention', 'public', 'private']).default('all'),
  sort: z.enum(['added', 'name', 'size', 'uploaded']).default('added'),
  direction: z.enum(['asc', 'desc']).default('desc'),
  /** What was removed and can be restored, instead of what is there. */
  isTrashed: z.boolean().optional(),
})

const ListResult = z.object({
  items: z.array(Item),
  total: z.int(),
  counts: z.object({ all: z.int(), attention: z.int(), public: z.int(), private: z.int() }),
})

const ItemDetail = Item.extend({
  did: z.string(),
  owner: z.string(),
  createdAt: z.string(),
  manifestVersion: z.int(),
  magnetURI: z.string().optional(),
  link: z.string(),
  copies: Copies,
  /** Absolute path of the stored bytes, for "show in folder"; never sent beyond this machine. */
  path: z.string(),
  connectedPeers: z.array(
    z.object({
      address: z.string(),
      kind: z.enum(['tcp', 'utp', 'webrtc', 'http']),
      client: z.string().optional(),
      uploadedBytes: SizeBytes,
      downloadedBytes: SizeBytes,
    }),
  ),
})
export type ItemDetail = z.output<typeof ItemDetail>

const call = <A extends z.ZodType, R extends z.ZodType>(args: A, result: R) => ({ args, result })

/**
 * Everything that can be asked of the engine: name → what it takes and gives. The engine's handlers, the process
 * protocol, the preload bridge, the HTTP bridge and the CLI are all typed by this table.
 */
export const engineCalls = {
  'library.list': call(ListArgs, ListResult),
  /** In which row of the whole list, in this order, an item is; null when it is not in it. */
  'library.position': call(
    z.strictObject({ mediaId: MediaId, sort: ListArgs.shape.sort, direction: ListArgs.shape.direction }),
    z.object({ index: z.int().nonnegative().nullable() }),
  ),
  'library.get': call(z.strictObject({ mediaId: MediaId }), ItemDetail),
  /**
   * One transfer per path. `storage`: share blocks or copy (auto), always copy, or hard-link the source. `isEncrypted`: only
   * the owner and `people` (contacts) can read it; never together with `public`. People imply encryption.
   */
  'library.add': call(
    z.strictObject({
      paths: z.array(AbsolutePath).min(1).max(10_000),
      accessLevel: AccessLevel.extract(['public', 'private']).default('private'),
      storage: z.enum(['auto', 'copy', 'link']).default('auto'),
      isEncrypted: z.boolean().default(false),
      people: People.default([]),
    }),
    z.object({ transferIds: z.array(z.string()) }),
  ),
  /** Moves to the trash; `library.restore` brings it back until the trash is emptied. */
  'library.remove': call(MediaIds, z.object({ removed: z.array(MediaId), restorableUntilMs: TimestampMs })),
  'library.restore': call(MediaIds, z.object({ restored: z.array(MediaId) })),
  'library.setSeeding': call(MediaIds.extend({ isSeedingWanted: z.boolean() }), Nothing),
  'library.setAccess': call(
    z.strictObject({ mediaId: MediaId, accessLevel: AccessLevel.extract(['public', 'private']) }),
    Item,
  ),
  /** Reads the bytes again and compares (a `checking` item until done). */
  'library.verify': call(MediaIds, Nothing),
  /** Writes the file itself to `path` (absolute): decrypted where it is encrypted, and checked. Never over another file. */
  'library.saveCopy': call(
    z.strictObject({ mediaId: MediaId, path: AbsolutePath, isReplacing: z.boolean().default(false) }),
    z.object({ transferId: z.string() }),
  ),
  /** An address on this computer where a player reads the file itself (decrypted), until it expires. */
  'library.playUrl': call(
    z.union([z.strictObject({ mediaId: MediaId }), z.strictObject({ transferId: TransferId.shape.id })]),
    z.object({ url: z.string(), expiresAtMs: TimestampMs }),
  ),
  'library.rebuild': call(Nothing, z.object({ items: z.int(), movedAside: z.array(z.string()) })),

  'transfers.list': call(Nothing, z.object({ transfers: z.array(Transfer) })),
  'transfers.pause': call(TransferId, Nothing),
  'transfers.resume': call(TransferId, Nothing),
  'transfers.retry': call(TransferId, Nothing),
  /** Stops it and removes what it had stored so far. */
  'transfers.cancel': call(TransferId, Nothing),
  /** Takes finished, failed and cancelled transfers off the list (all of them without an id). */
  'transfers.dismiss': call(z.strictObject({ id: z.string().optional() }), Nothing),

  /** `link`: a sower: link, a magnet, a mediaId, an infoHash, a did, or an http(s) address of a node's item. */
  'fetching.start': call(
    z.strictObject({
      link: z.string().min(1).max(16_384),
      /** Extra sources: `http(s)://…` of a node, or `host:port` of a BitTorrent peer. */
      from: z.array(z.string().max(2048)).max(64).default([]),
      isSeedingWanted: z.boolean().optional(),
      /** Ends it with `NO_SOURCES` when nobody was heard of for so long (three times as long while people are looked for in the swarm). Without it, it goes on looking. */
      giveUpAfterMs: z.int().positive().max(86_400_000).optional(),
    }),
    z.object({ transferId: z.string() }),
  ),
  'fetching.setPriority': call(
    TransferId.extend({ priority: Transfer.shape.priority.unwrap() }).strict(),
    Nothing,
  ),
  /** What a pasted link is, without contacting anybody. */
  'fetching.inspect': call(
    z.strictObject({ link: z.string().min(1).max(16_384) }),
    z.object({
      kind: z.enum(['sower', 'magnet', 'mediaId', 'infoHash', 'did', 'http']),
      mediaId: MediaId.optional(),
      infoHash: z.string().optional(),
      name: z.string().optional(),
      trackers: z.array(z.string()),
      webSources: z.array(z.string()),
      /** Already in the library. */
      isHeld: z.boolean(),
      /** The link says that it leads to ciphertext. */
      isEncrypted: z.boolean(),
      /** The link itself carries the key to it. */
      hasKey: z.boolean(),
      /** Until when the link is meant to be used. */
      expiresAtMs: TimestampMs.optional(),
    }),
  ),

  /**
   * `withKey`: whoever has the link can read the item (its key is in the fragment, which no server sees). `expiresAtMs` is
   * advice to the programs that open it: nobody can be made to forget a key.
   */
  'sharing.link': call(
    z.strictObject({
      mediaId: MediaId,
      withKey: z.boolean().default(false),
      expiresAtMs: TimestampMs.optional(),
    }),
    z.object({
      link: z.string(),
      magnetURI: z.string().optional(),
      httpUrl: z.string(),
      hasKey: z.boolean(),
    }),
  ),
  /** `conditions`: the Lit network gives the key to whoever fulfils them; `rule`: what they say, where it is one of Sower's. */
  'sharing.people': call(
    z.strictObject({ mediaId: MediaId }),
    z.object({
      people: z.array(Person),
      conditions: z.object({ rule: AccessRule.optional() }).optional(),
    }),
  ),
  /** Asks the Lit network for the key of an item that was shared under conditions, and keeps it: now it can be read. */
  'sharing.openWithLit': call(z.strictObject({ mediaId: MediaId }), Item),
  /** A new manifest version with an envelope more for each; the bytes stay as they are. */
  'sharing.addPeople': call(z.strictObject({ mediaId: MediaId, people: People.min(1) }), Item),
  /**
   * A new manifest version whose key Lit gives to whoever fulfils the rule, in the place of the rule before; the bytes and those
   * who can read it stay. `LIT_UNAVAILABLE` without Lit's SDK or network.
   */
  'sharing.setConditions': call(z.strictObject({ mediaId: MediaId, rule: AccessRule }), Item),
  /**
   * Encrypts the item anew for those who remain, puts the new one in the place of the old and withdraws the old one. What
   * the removed people have already fetched stays theirs. With `isWithoutConditions` Lit gives the new key to nobody.
   */
  'sharing.removePeople': call(
    z.strictObject({
      mediaId: MediaId,
      people: People.default([]),
      isWithoutConditions: z.boolean().default(false),
      reason: z.string().max(500).optional(),
    }),
    z.object({ transferId: z.string() }),
  ),
  /** Encrypts an item that is kept back in the clear, for the owner and `people`. */
  'sharing.encrypt': call(
    z.strictObject({ mediaId: MediaId, people: People.default([]) }),
    z.object({ transferId: z.string() }),
  ),
  /** “My keys may be known”: every encrypted item of one's own gets a new key. One transfer each; goes on after a restart. */
  'sharing.rotateAll': call(Nothing, z.object({ transferIds: z.array(z.string()) })),
  /** Asks its owner for access: a text to send them by whatever way one has. */
  'sharing.requestAccess': call(
    z.strictObject({ mediaId: MediaId }),
    z.object({ text: z.string(), owner: PersonKey }),
  ),

  /** What is known of items others published, offline; newest first without a text. */
  'discovery.search': call(
    z.strictObject({
      text: z.string().max(200).default(''),
      kind: MediaKind.optional(),
      owner: PersonKey.optional(),
      /** Only of those one follows. */
      isFollowedOnly: z.boolean().default(false),
      limit: z.int().min(1).max(100).default(50),
      cursor: z.string().max(200).optional(),
    }),
    z.object({ items: z.array(FoundItem), cursor: z.string().optional() }),
  ),
  /**
   * Everything about one item before one has it; asks the network for what is newer. `id`: a mediaId or `did:gun:media:…`;
   * `owner`: whose, of several who published the same bytes.
   */
  'discovery.item': call(
    z.strictObject({ id: z.string().min(1).max(256), owner: PersonKey.optional() }),
    z.object({
      item: FoundItem,
      link: z.string(),
      manifestVersion: z.int(),
      publisher: Publisher,
      /** By which it could come here. */
      roads: z.array(z.object({ kind: SourceKind, label: z.string() })),
      /** Two different versions with the same number and a signature that holds: both are shown, none is chosen. */
      conflict: z.array(z.object({ hash: z.string(), name: z.string(), createdAt: z.string() })),
      /**
       * What relays told just now; else this is what was known. `said`: of the item; `nothing`: they know nothing of it;
       * `nobody`: none answered; `unasked`: it is nothing to be asked about.
       */
      heard: z.enum(['said', 'nothing', 'nobody', 'unasked']),
    }),
  ),
  /**
   * How many have these: asks the network where that is due (few at once, each at most every five minutes), and says what is
   * known after a moment. What nobody may be asked about (a private item) is left out.
   */
  'discovery.copies': call(
    z.strictObject({ mediaIds: z.array(MediaId).min(1).max(50) }),
    z.object({ counts: z.array(z.object({ mediaId: MediaId, copies: Copies })) }),
  ),
  /** `publisher`: a card link, an owner key, a SEA key, or a link to something of theirs. */
  'discovery.publisher': call(z.strictObject({ publisher: z.string().min(1).max(16_384) }), Publisher),
  'discovery.refresh': call(Nothing, Nothing),
  'following.list': call(Nothing, z.object({ publishers: z.array(Publisher) })),
  'following.add': call(
    z.strictObject({ publisher: z.string().min(1).max(16_384), name: z.string().max(200).optional() }),
    Publisher,
  ),
  'following.remove': call(z.strictObject({ pub: z.string().min(1).max(200) }), Nothing),

  'seeding.pause': call(Nothing, Nothing),
  'seeding.resume': call(Nothing, Nothing),

  'vault.token': call(Nothing, z.object({ token: z.string(), expiresAtMs: TimestampMs })),
  /** Tries the keychain again (after the user unlocked it), or opens the wallet file with its passphrase. */
  'vault.unlock': call(
    z.strictObject({ passphrase: z.string().max(1024).optional() }),
    NodeStatus.shape.wallet,
  ),
  /** Another wallet in place of one that nothing depends on yet. @see WalletStatus.isReplaceable */
  'vault.create': call(
    z.strictObject({ words: z.literal([12, 24]).default(12), passphrase: z.string().max(1024).default('') }),
    NodeStatus.shape.wallet,
  ),
  /** The wallet's words, for the backup screen and nothing else. */
  'vault.reveal': call(Nothing, z.object({ words: z.array(z.string()), hasPassphrase: z.boolean() })),
  /** Which three words the user is to give back (positions from 1), and the answer to it. */
  'vault.askWords': call(Nothing, z.object({ positions: z.array(z.int()).length(3) })),
  'vault.confirmWords': call(
    z.strictObject({
      answers: z.array(z.object({ position: z.int(), word: z.string().max(32) })).length(3),
    }),
    NodeStatus.shape.wallet,
  ),
  /** A file that, with its password, is the whole wallet. */
  'vault.exportBackup': call(
    z.strictObject({ password: z.string().min(8).max(1024) }),
    z.object({ fileName: z.string(), text: z.string() }),
  ),
  /** The file of `vault.exportBackup` is where its user wanted it: only now the wallet counts as backed up. */
  'vault.backupSaved': call(Nothing, NodeStatus.shape.wallet),
  /**
   * Brings a wallet back from its words (and passphrase) or a backup file (and its password). `isReplacing` is needed
   * where the present wallet owns something; it is refused while that one is not backed up.
   */
  'vault.restore': call(
    z.discriminatedUnion('from', [
      z.strictObject({
        from: z.literal('words'),
        words: z.string().max(1024),
        passphrase: z.string().max(1024).default(''),
        isReplacing: z.boolean().default(false),
      }),
      z.strictObject({
        from: z.literal('file'),
        text: z.string().max(65_536),
        password: z.string().max(1024),
        isReplacing: z.boolean().default(false),
      }),
    ]),
    NodeStatus.shape.wallet,
  ),
  /** One's own signed card: what others need to share with one. */
  'vault.card': call(
    z.strictObject({ name: z.string().max(200).optional() }),
    z.object({ link: z.string(), json: z.string(), owner: PersonKey, fingerprint: z.string() }),
  ),

  'contacts.list': call(Nothing, z.object({ contacts: z.array(Contact) })),
  /** `card`: a `sower://card/…` link or the content of a card file. `name`: what the user calls them. */
  'contacts.add': call(
    z.strictObject({ card: z.string().min(1).max(16_384), name: z.string().max(200).optional() }),
    Contact,
  ),
  'contacts.rename': call(z.strictObject({ owner: PersonKey, name: z.string().min(1).max(200) }), Contact),
  'contacts.remove': call(z.strictObject({ owner: PersonKey }), Nothing),

  'settings.get': call(Nothing, SettingsView),
  'settings.set': call(SettingsPatch, SettingsView),

  'node.status': call(Nothing, NodeStatus),
  'node.dismissNotice': call(z.strictObject({ id: z.string() }), Nothing),
} as const

export type EngineCalls = typeof engineCalls
export type EngineCallName = keyof EngineCalls
/** What a caller passes (defaults may be left out). */
export type EngineArgs<N extends EngineCallName> = z.input<EngineCalls[N]['args']>
/** What a handler receives (validated, defaults filled in). */
export type EngineParsedArgs<N extends EngineCallName> = z.output<EngineCalls[N]['args']>
export type EngineResult<N extends EngineCallName> = z.output<EngineCalls[N]['result']>
/** One handler per call; a missing one does not compile. */
export type EngineHandlers = {
  readonly [N in EngineCallName]: (args: EngineParsedArgs<N>) => Promise<EngineResult<N>>
}

/** What the engine tells whoever listens. Events carry the new state, never commands; bursts are merged (≤ 4 a second). */
export const engineEvents = {
  /** New or changed items (at most 200; `isReset` = too many changed, list again). */
  'library.changed': z.object({ items: z.array(Item), removed: z.array(MediaId), isReset: z.boolean() }),
  'transfers.changed': z.object({ transfers: z.array(Transfer), removed: z.array(z.string()) }),
  'node.changed': NodeStatus,
  'settings.changed': SettingsView,
  /** The whole list: it is short. */
  'contacts.changed': z.object({ contacts: z.array(Contact) }),
  /** New or changed items others published. */
  'discovery.changed': z.object({ mediaIds: z.array(MediaId), isReset: z.boolean() }),
  'following.changed': z.object({ publishers: z.array(Publisher) }),
  'node.notice': Notice,
} as const
export type EngineEvents = typeof engineEvents
export type EngineEventName = keyof EngineEvents
export type EngineEventPayload<N extends EngineEventName> = z.output<EngineEvents[N]>
