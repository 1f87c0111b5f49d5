import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { isErrno, readFileIfThere, writeFileAtomic } from '../atomic-file.ts'
import { AppError, MediaId } from '../contract/index.ts'
import type { Db, ItemRow, Library, MediaFolder } from '../library/index.ts'
import { canonicalJson } from '../manifest/index.ts'
import type { Log } from '../ports/log.ts'
import { readSmall } from '../regular-file.ts'
import { verifyRevocation } from './revocation.ts'
import type { Revocation } from './revocation.ts'

/** In the media folder: one file per withdrawn item, which outlives the item, its trash and the database. */
const FOLDER = '.withdrawn'
const MAX_FILE_BYTES = 16 * 1024

interface RevocationsOptions {
  readonly db: Db
  readonly library: Pick<Library, 'get' | 'manifest' | 'setSeedingWanted' | 'onChange' | 'notify'>
  readonly folder: Pick<MediaFolder, 'dir' | 'state'>
  readonly log: Log
}

/** Items whose owners took them back: what they said, and that this node passes none of them on. */
export class Revocations {
  readonly #options: RevocationsOptions
  readonly #listeners = new Set<(mediaId: string) => void>()
  #unsubscribe: (() => void) | undefined

  constructor(options: RevocationsOptions) {
    this.#options = options
  }

  /**
   * Brings database and media folder to the same, and sees from now on that nothing withdrawn is seeded, whatever brings it
   * back (the trash, a rebuild). The library has been started, nothing is seeded yet.
   */
  async start(): Promise<void> {
    const { library, folder, log } = this.#options
    if (folder.state() !== 'offline') {
      await this.#readFolder()
      for (const revocation of this.#all()) this.#keepFile(revocation)
    }
    for (const { mediaId } of this.#all()) this.#unseed(mediaId)
    this.#unsubscribe = library.onChange((mediaIds) => {
      for (const mediaId of mediaIds) if (this.get(mediaId) !== undefined) this.#unseed(mediaId)
    })
    log.info('revocations.started', { count: this.#all().length })
  }

  stop(): void {
    this.#unsubscribe?.()
  }

  /** What was said of an item; `undefined` when it is not withdrawn. */
  get(mediaId: string): Revocation | undefined {
    const row = this.#options.db.prepare('SELECT body FROM revocations WHERE media_id = ?').get(mediaId) as
      { body: string } | undefined
    return row === undefined ? undefined : parse(row.body)
  }

  /** Withdrawn items whose successors are known. */
  replaced(): { readonly mediaId: string; readonly supersededBy: string }[] {
    const rows = this.#options.db
      .prepare('SELECT media_id, superseded_by FROM revocations WHERE superseded_by IS NOT NULL')
      .all() as { media_id: string; superseded_by: string }[]
    return rows.map((row) => ({ mediaId: row.media_id, supersededBy: row.superseded_by }))
  }

  /** @throws {AppError} `WITHDRAWN` when the item is */
  requireValid(mediaId: string): void {
    if (this.get(mediaId) === undefined) return
    throw new AppError(
      'WITHDRAWN',
      'This item was withdrawn by its owner, so it is not passed on any more.',
      {
        hint: 'It stays in your library until you remove it.',
      },
    )
  }

  /**
   * Writes a withdrawal down and ends seeding, in the transaction it is called in. The file follows with `keep`.
   * @param supersededBy what takes the item's place, which the withdrawal itself may not say
   */
  record(revocation: Revocation, supersededBy: string | undefined = revocation.supersededBy): void {
    const { db } = this.#options
    db.write(() => {
      db.prepare(
        `INSERT OR REPLACE INTO revocations (media_id, body, superseded_by, at_ms) VALUES (?, ?, ?, ?)`,
      ).run(revocation.mediaId, canonicalJson(revocation), supersededBy ?? null, Date.parse(revocation.at))
      this.#unseed(revocation.mediaId)
    })
    for (const listener of this.#listeners) listener(revocation.mediaId)
  }

  /**
   * Told of items a withdrawal of which is being written down; the transaction it is part of may not be over yet.
   * @returns stops listening
   */
  onRecorded(listener: (mediaId: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Keeps what was said of an item in the media folder. Safe to repeat. */
  keep(mediaId: string): void {
    const revocation = this.get(mediaId)
    if (revocation !== undefined) this.#keepFile(revocation)
  }

  /**
   * Obeys what the owner of a held item says: it is not seeded any more, and the user is told. Nothing is moved or deleted.
   * Said of an item that is not held, it is forgotten: strangers can't fill the database.
   * @param value as it came from outside
   * @throws {AppError} `BAD_REQUEST`, `SIGNATURE_INVALID` (also when somebody else than its owner says it); nothing changed
   */
  apply(value: unknown): { revocation: Revocation; isHeld: boolean; isNew: boolean } {
    const revocation = verifyRevocation(value)
    const { mediaId, at } = revocation
    const row = this.#options.library.get(mediaId, { isTrashIncluded: true })
    if (row === undefined) return { revocation, isHeld: false, isNew: false }
    verifyRevocation(revocation, { owner: row.owner })
    // That an item is private now asks nothing of those who have it from when it was public.
    if (revocation.version !== undefined) return { revocation, isHeld: true, isNew: false }
    const before = this.get(mediaId)
    // Said again it may name a successor; an older word never takes the place of a newer one.
    if (before !== undefined && Date.parse(before.at) >= Date.parse(at)) {
      return { revocation: before, isHeld: true, isNew: false }
    }
    this.record(revocation)
    this.keep(mediaId)
    const isNew = before === undefined
    if (isNew) this.#tell(row, revocation)
    return { revocation, isHeld: true, isNew }
  }

  /**
   * Looks whether an item that was fetched takes the place of one of the same owner that is held: their signed manifest says so
   * as well as a revocation would. The old one is not seeded any more, and the user is told.
   * @throws {AppError} as `library.manifest`
   */
  async learnFrom(mediaId: string): Promise<void> {
    const { library } = this.#options
    const { supersedes, oip } = await library.manifest(mediaId)
    const old = supersedes === undefined ? undefined : library.get(supersedes)
    if (old?.isSeedingWanted !== true || old.isOwn || old.owner !== oip.creatorPubKey) return
    library.setSeedingWanted([old.mediaId], false)
    library.notify({
      level: 'info',
      code: 'WITHDRAWN',
      message: `“${old.name}” was encrypted anew by its owner; what you just fetched takes its place. The old one is not passed on any more.`,
      hint: 'The old one is still in the library. Remove it if you don’t need it.',
    })
  }

  #tell({ name, isOwn, trashedAtMs }: ItemRow, { reason, supersededBy }: Revocation): void {
    if (trashedAtMs !== undefined) return
    const who = isOwn ? 'you, on another device' : 'its owner'
    const why = reason === undefined ? '' : ` They say: “${oneLine(reason)}”.`
    this.#options.library.notify({
      level: 'info',
      code: 'WITHDRAWN',
      message: `“${name}” was withdrawn by ${who}, so it is not passed on any more.${why}`,
      hint:
        supersededBy === undefined
          ? 'Your copy is still in the library. Remove it if you don’t need it.'
          : 'It was encrypted anew; ask for the new link if you may still read it. Your copy is still in the library.',
    })
  }

  #unseed(mediaId: string): void {
    const { library } = this.#options
    if (library.get(mediaId)?.isSeedingWanted === true) library.setSeedingWanted([mediaId], false)
  }

  #all(): Revocation[] {
    const rows = this.#options.db.prepare('SELECT body FROM revocations').all() as { body: string }[]
    return rows.flatMap(({ body }) => parse(body) ?? [])
  }

  /** Files of a media folder whose database is new. */
  async #readFolder(): Promise<void> {
    const { folder, log } = this.#options
    const dir = join(folder.dir, FOLDER)
    const names = await readdir(dir).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) log.warn('revocations.unreadable', { error })
      return []
    })
    for (const name of names) {
      const mediaId = MediaId.safeParse(name.replace(/\.json$/, '')).data
      if (mediaId === undefined || this.get(mediaId) !== undefined) continue
      try {
        const bytes = await readSmall(join(dir, name), MAX_FILE_BYTES)
        if (bytes === undefined) throw new RangeError('too large')
        this.record(verifyRevocation(JSON.parse(bytes.toString('utf8')), { mediaId }))
      } catch (error) {
        log.warn('revocations.damaged', { mediaId, error })
      }
    }
  }

  #keepFile(revocation: Revocation): void {
    const { folder, log } = this.#options
    try {
      const file = join(folder.dir, FOLDER, `${revocation.mediaId}.json`)
      const text = canonicalJson(revocation)
      if (readFileIfThere(file)?.toString('utf8') !== text) writeFileAtomic(file, text, 0o644)
    } catch (error) {
      // The database has it; the next start writes it.
      log.warn('revocations.not-kept', { mediaId: revocation.mediaId, error })
    }
  }
}

function parse(body: string): Revocation | undefined {
  try {
    return verifyRevocation(JSON.parse(body))
  } catch {
    // Written by us; one that does not hold any more says nothing.
    return undefined
  }
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
