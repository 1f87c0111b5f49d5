import type { Db } from '../library/index.ts'
import { accessLevelOf, canonicalJson, type Manifest } from '../manifest/index.ts'
import { frozenKey } from './sea.ts'
import type { Revocation } from '../sharing/index.ts'

/** What keeping a valid manifest changed. `placed`: only in whose space it is known to be. */
export type Kept = 'new' | 'newer' | 'conflict' | 'placed' | 'same' | 'older' | 'full'

/** What is known of an item, all of it verified. */
export interface KnownItem {
  readonly manifest: Manifest
  /** Valid manifests of the same owner with the same version number: one of them contradicts the other. */
  readonly conflicts: readonly Manifest[]
  /** How many others also signed a manifest for the same bytes. */
  readonly otherOwners: number
  /** The publisher in whose space it was found. */
  readonly pub?: string
  readonly firstSeenMs: number
  readonly confirmedMs: number
  /** Its owner withdrew it. */
  readonly revocation?: Revocation
}

/** What is indexed of an item elsewhere can be compared with this. */
export interface KnownVersion {
  readonly mediaId: string
  readonly owner: string
  readonly version: number
  readonly isPublic: boolean
  readonly isWithdrawn: boolean
}

/** What was verified just now and could not be kept. */
export interface Unkept {
  readonly manifests: {
    readonly manifest: Manifest
    readonly pub: string | undefined
    readonly nowMs: number
  }[]
  readonly revocations: Revocation[]
}

export interface FeedPage {
  readonly items: readonly KnownItem[]
  /** Give it back for the next page. */
  readonly cursor?: string
}

interface Row {
  media_id: string
  owner: string
  hash: string
  version: number
  body: string
  pub: string | null
  first_seen_ms: number
  kept_at_ms: number
  confirmed_ms: number
  revocation: string | null
}

/** Anybody may sign a manifest for any bytes: beyond this many, the item is known well enough. */
const OWNERS_PER_ITEM = 8
/** Contradicting versions kept to be shown. */
const CONFLICTS_PER_VERSION = 4
/** Rows; the oldest that nobody here follows go first. */
const MAX_ROWS = 200_000

/** The last good manifest of everything heard of, in SQLite. Only what `verifyManifest` let through gets in. */
export class ManifestStore {
  readonly #db: Db
  #rowsUntilPrune = 0

  constructor(db: Db) {
    this.#db = db
  }

  /** @param manifest verified by the caller */
  keep(
    manifest: Manifest,
    { pub, nowMs }: { readonly pub?: string | undefined; readonly nowMs: number },
  ): Kept {
    return this.#db.write(() => {
      const owner = manifest.oip.creatorPubKey
      const body = canonicalJson(manifest)
      const hash = frozenKey(body)
      const rows = this.#rows(manifest.id)
      const theirs = rows.filter((row) => row.owner === owner)
      const newest = Math.max(0, ...theirs.map(({ version }) => version))
      if (manifest.version < newest) return 'older'
      const known = theirs.find((row) => row.hash === hash)
      if (known !== undefined) {
        this.#db
          .prepare(
            'UPDATE network_manifests SET confirmed_ms = ?, pub = coalesce(?, pub) WHERE media_id = ? AND owner = ? AND hash = ?',
          )
          .run(nowMs, pub ?? null, manifest.id, owner, hash)
        return pub === undefined || pub === known.pub ? 'same' : 'placed'
      }
      const isConflict = manifest.version === newest
      if (isConflict && theirs.length > CONFLICTS_PER_VERSION) return 'full'
      if (theirs.length === 0 && new Set(rows.map((row) => row.owner)).size >= OWNERS_PER_ITEM) return 'full'
      if (!isConflict) {
        this.#db
          .prepare('DELETE FROM network_manifests WHERE media_id = ? AND owner = ?')
          .run(manifest.id, owner)
      }
      this.#db
        .prepare(
          `INSERT INTO network_manifests
           (media_id, owner, hash, version, body, access_level, pub, first_seen_ms, kept_at_ms, confirmed_ms, revocation)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          manifest.id,
          owner,
          hash,
          manifest.version,
          body,
          accessLevelOf(manifest),
          pub ?? theirs[0]?.pub ?? null,
          Math.min(nowMs, ...theirs.map(({ first_seen_ms: seen }) => seen)),
          nowMs,
          nowMs,
          revocationFor(manifest.version, theirs[0]?.revocation),
        )
      this.#pruneNowAndThen()
      return isConflict ? 'conflict' : theirs.length === 0 ? 'new' : 'newer'
    })
  }

  /** As `keep`, in one transaction with others that come at the same time. @param manifest verified by the caller */
  keepSoon(manifest: Manifest, found: Parameters<ManifestStore['keep']>[1]): Promise<Kept> {
    return this.#db.writeTogether(() => this.keep(manifest, found))
  }

  /** Whether this very text is kept, and so was verified. @param hash base64 of sha256 of the canonical manifest */
  holds(mediaId: string, hash: string): boolean {
    const sql = 'SELECT 1 FROM network_manifests WHERE media_id = ? AND hash = ? LIMIT 1'
    return this.#db.prepare(sql).get(mediaId, hash) !== undefined
  }

  /**
   * The item as its owner last described it. With several owners: the one that is wanted, else one that is trusted, else the
   * publisher in whose space it was found, else whoever was seen first — never whoever claims the highest version.
   * @param unkept counts as what is kept does
   */
  find(
    mediaId: string,
    prefer: {
      readonly owner?: string | undefined
      readonly pub?: string | undefined
      readonly trusted?: ReadonlySet<string>
    } = {},
    unkept?: Unkept,
  ): KnownItem | undefined {
    const kept = this.#rows(mediaId)
    const rows = unkept === undefined ? kept : withUnkept(kept, unkept)
    const rank = (row: Row): number =>
      row.owner === prefer.owner
        ? 0
        : row.pub !== null && row.pub === prefer.pub
          ? 1
          : prefer.trusted?.has(row.owner) === true
            ? 2
            : 3
    const [first] = rows.toSorted((a, b) => rank(a) - rank(b) || a.first_seen_ms - b.first_seen_ms)
    if (first === undefined || (prefer.owner !== undefined && first.owner !== prefer.owner)) return undefined
    return describe(
      rows.filter(({ owner }) => owner === first.owner),
      new Set(rows.map(({ owner }) => owner)).size - 1,
    )
  }

  /** What each of its owners says of an item, whoever was first. */
  ofItem(mediaId: string): KnownItem[] {
    const rows = this.#rows(mediaId)
    const owners = new Set(rows.map(({ owner }) => owner))
    return [...owners].flatMap(
      (owner) =>
        describe(
          rows.filter((row) => row.owner === owner),
          owners.size - 1,
        ) ?? [],
    )
  }

  /** Everything known, in parts of whole items. @param after the last mediaId of the part before; `''` for the first */
  part(after: string, limit: number): KnownVersion[] {
    const rows = this.#db
      .prepare(
        `SELECT media_id AS mediaId, owner, max(version) AS version, min(access_level = 'public') AS isPublic,
           max(revocation IS NOT NULL) AS isWithdrawn
         FROM network_manifests WHERE media_id > ? GROUP BY media_id, owner ORDER BY media_id, owner LIMIT ?`,
      )
      .all(after, limit) as (Omit<KnownVersion, 'isPublic' | 'isWithdrawn'> & {
      isPublic: number
      isWithdrawn: number
    })[]
    const last = rows.at(-1)?.mediaId
    // The last item may go on beyond the limit: it comes whole, with the next part.
    const whole =
      rows.length < limit || rows[0]?.mediaId === last ? rows : rows.filter((row) => row.mediaId !== last)
    return whole.map((row) => ({ ...row, isPublic: row.isPublic === 1, isWithdrawn: row.isWithdrawn === 1 }))
  }

  /** Whether a manifest of this owner's is known. */
  has(mediaId: string, owner: string): boolean {
    const sql = 'SELECT 1 FROM network_manifests WHERE media_id = ? AND owner = ? LIMIT 1'
    return this.#db.prepare(sql).get(mediaId, owner) !== undefined
  }

  /**
   * Notes that an owner withdrew his item, or its versions up to one; of two such words the later counts, but one that is about
   * some versions never goes over one that is about all.
   * @returns whether it changed anything: the word of anybody who is not known as an owner of it does not
   */
  withdraw(revocation: Revocation): boolean {
    const { mediaId, owner, at, version } = revocation
    const { changes } = this.#db.write(() =>
      this.#db
        .prepare(
          `UPDATE network_manifests SET revocation = ? WHERE media_id = ? AND owner = ?
           AND (revocation IS NULL OR json_extract(revocation, '$.at') < ?)
           AND version <= coalesce(?, version)
           AND (? IS NULL OR revocation IS NULL OR json_extract(revocation, '$.version') IS NOT NULL)`,
        )
        .run(canonicalJson(revocation), mediaId, owner, at, version ?? null, version ?? null),
    )
    return changes > 0
  }

  /** Public items heard of, newest first. @param pub only of that publisher */
  feed({
    pub,
    cursor,
    limit = 50,
  }: { pub?: string | undefined; cursor?: string | undefined; limit?: number } = {}): FeedPage {
    const [beforeMs = Number.MAX_SAFE_INTEGER, beforeId = ''] = parseCursor(cursor)
    const rows = this.#db
      .prepare(
        `SELECT DISTINCT media_id, owner, first_seen_ms FROM network_manifests
         WHERE access_level = 'public' AND revocation IS NULL AND (? IS NULL OR pub = ?)
           AND (first_seen_ms < ? OR (first_seen_ms = ? AND media_id < ?))
         ORDER BY first_seen_ms DESC, media_id DESC LIMIT ?`,
      )
      .all(pub ?? null, pub ?? null, beforeMs, beforeMs, beforeId, Math.min(limit, 500) + 1) as Pick<
      Row,
      'media_id' | 'owner' | 'first_seen_ms'
    >[]
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    const items = page.flatMap(({ media_id: mediaId, owner }) => this.find(mediaId, { owner }) ?? [])
    return {
      items,
      ...(rows.length > limit && last !== undefined
        ? { cursor: `${last.first_seen_ms}.${last.media_id}` }
        : {}),
    }
  }

  #rows(mediaId: string): Row[] {
    return this.#db
      .prepare(
        `SELECT media_id, owner, hash, version, body, pub, first_seen_ms, kept_at_ms, confirmed_ms, revocation
         FROM network_manifests WHERE media_id = ?`,
      )
      .all(mediaId) as Row[]
  }

  #pruneNowAndThen(): void {
    this.#rowsUntilPrune -= 1
    if (this.#rowsUntilPrune > 0) return
    const { rows } = this.#db.prepare('SELECT count(*) AS rows FROM network_manifests').get() as {
      rows: number
    }
    if (rows > MAX_ROWS) {
      this.#db
        .prepare(
          `DELETE FROM network_manifests WHERE (media_id, owner, hash) IN (
             SELECT media_id, owner, hash FROM network_manifests
             WHERE pub IS NULL OR pub NOT IN (SELECT pub FROM network_publishers)
             ORDER BY confirmed_ms LIMIT ?)`,
        )
        .run(rows - MAX_ROWS + 1_000)
    }
    this.#rowsUntilPrune = 1_000
  }
}

/** The rows as they would be, had it been kept. */
function withUnkept(kept: readonly Row[], { manifests, revocations }: Unkept): Row[] {
  const rows = [...kept]
  for (const { manifest, pub = null, nowMs } of manifests) {
    const { id, version, oip } = manifest
    const body = canonicalJson(manifest)
    const hash = frozenKey(body)
    const theirs = rows.filter(({ owner }) => owner === oip.creatorPubKey)
    const same = theirs.find((row) => row.hash === hash)
    if (same !== undefined) {
      rows[rows.indexOf(same)] = { ...same, pub: pub ?? same.pub, confirmed_ms: nowMs }
      continue
    }
    rows.push({
      media_id: id,
      owner: oip.creatorPubKey,
      hash,
      version,
      body,
      pub: pub ?? theirs[0]?.pub ?? null,
      first_seen_ms: Math.min(nowMs, ...theirs.map(({ first_seen_ms: seen }) => seen)),
      kept_at_ms: nowMs,
      confirmed_ms: nowMs,
      revocation: revocationFor(version, theirs[0]?.revocation),
    })
  }
  return rows.map((row) => {
    const said = revocations.find(
      ({ owner, version = Infinity }) => owner === row.owner && row.version <= version,
    )
    return said === undefined || row.revocation !== null ? row : { ...row, revocation: canonicalJson(said) }
  })
}

function describe(rows: readonly Row[], otherOwners: number): KnownItem | undefined {
  const sorted = rows.toSorted((a, b) => b.version - a.version || a.kept_at_ms - b.kept_at_ms)
  const [best] = sorted
  if (best === undefined) return undefined
  const manifests = sorted.filter(({ version }) => version === best.version).map(({ body }) => readKept(body))
  const [manifest, ...conflicts] = manifests
  if (manifest === undefined) return undefined
  return {
    manifest,
    conflicts,
    otherOwners,
    ...(best.pub === null ? {} : { pub: best.pub }),
    firstSeenMs: best.first_seen_ms,
    confirmedMs: Math.max(...sorted.map(({ confirmed_ms: at }) => at)),
    ...(best.revocation === null ? {} : { revocation: JSON.parse(best.revocation) as Revocation }),
  }
}

/** It was verified before it got in, and who can write this database could do worse. */
function readKept(body: string): Manifest {
  return JSON.parse(body) as Manifest
}

/** What was said before of an item's versions, as far as it is about this one too. */
function revocationFor(version: number, said: string | null | undefined): string | null {
  if (said === undefined || said === null) return null
  const { version: last = Infinity } = JSON.parse(said) as Revocation // verified before it got in
  return version <= last ? said : null
}

function parseCursor(cursor: string | undefined): [number?, string?] {
  const match = /^(\d{1,16})\.([0-9a-f]{64})$/.exec(cursor ?? '')
  return match?.[1] === undefined || match[2] === undefined ? [] : [Number(match[1]), match[2]]
}
