import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../contract/index.ts'
import type { MediaId } from '../contract/index.ts'
import type { Progress } from '../ingest/index.ts'
import type { ItemRow } from '../library/index.ts'
import { fingerprintOf } from '../vault/index.ts'
import { requireEncrypted, requireHeld, requireKeptInClear, requireOwn } from './guards.ts'
import { Jobs } from './jobs.ts'
import type { RunningJob } from './jobs.ts'
import { encryptAnew } from './encrypt-anew.ts'
import type { EncryptAnewOptions } from './encrypt-anew.ts'
import { RekeyPayload } from './rekey-payload.ts'

interface TakenAway {
  /** Owner keys. */
  readonly people?: readonly string[]
  /** Whoever fulfils the item's conditions loses access, too. */
  readonly isWithoutConditions?: boolean
  readonly reason?: string | undefined
}

/** How long to wait before trying again to put the old item away, while the drive is gone or full. */
const RETRY_MS = 3000
/** What goes by itself, or when somebody connects a drive. */
const PASSING = new Set(['MEDIA_OFFLINE', 'MEDIA_READ_ONLY', 'DISK_FULL', 'UNAVAILABLE'])
const PAGE = 500

export interface RekeysOptions extends EncryptAnewOptions {
  /** Seeds or stops seeding an item as its row now says. */
  readonly settle: (mediaId: string) => Promise<void>
}

/**
 * Encrypting anew: when people are to lose access, when an item in the clear is to become ciphertext, when keys may be
 * known. One transfer per item, one at a time; each puts a new item in the place of the old one and withdraws that.
 */
export class Rekeys {
  readonly jobs: Jobs
  readonly #options: RekeysOptions
  /** Items whose new one is there while they are not away yet, and by which job. */
  readonly #replaced = new Map<string, string>()

  constructor(options: RekeysOptions) {
    this.#options = options
    this.jobs = new Jobs({
      kind: 'rekey',
      atOnce: 1,
      transfers: options.transfers,
      log: options.log,
      run: (job) => this.#run(job),
      // What was staged goes when the run ends, and at the latest at the next start.
      tidy: () => Promise.resolve(),
      isCommitted: (id) => [...this.#replaced.values()].includes(id),
    })
  }

  /**
   * Withdraws what a former run had replaced before it died, so that nothing of it is seeded again. The library has been
   * started, nothing is seeded yet, and the jobs are started later.
   */
  recover(): void {
    const { transfers, revocations } = this.#options
    for (const { id, kind } of transfers.listUnfinished()) {
      const payload = kind === 'rekey' ? RekeyPayload.safeParse(transfers.payload(id)).data : undefined
      if (payload === undefined || !this.#isReplaced(payload)) continue
      this.#replaced.set(payload.oldId, id)
      const revocation = payload.replacement?.revocation
      if (revocation === undefined) continue
      if (revocations.get(payload.oldId) === undefined)
        revocations.record(revocation, payload.replacement?.newId)
    }
  }

  /** @throws {AppError} `CONFLICT` while this item is waiting for a new key, is getting one, or is to be put away for its new one */
  requireSettled(mediaId: string): void {
    if (!this.#unfinished().has(mediaId)) return
    throw new AppError('CONFLICT', 'This item is just being encrypted anew.', {
      hint: 'Wait until that is done, or cancel it under “Transfers”.',
    })
  }

  /**
   * Takes access away, people’s, or that of whoever fulfils conditions: what they have fetched stays theirs, what is encrypted
   * from now on does not reach them.
   * @returns the id of the transfer
   * @throws {AppError} `NOT_FOUND`, `FORBIDDEN`, `CONFLICT`, `KEY_NEEDED`; `BAD_REQUEST` when somebody is not among those who
   *   can read it, it has no conditions, or one who remains is no contact any more; `KEYCHAIN_…` or `WALLET_…`
   */
  async remove(
    mediaId: string,
    { people = [], isWithoutConditions = false, reason }: TakenAway,
  ): Promise<string> {
    const row = this.#requireOwn(mediaId)
    requireEncrypted(row)
    const removed = [...new Set(people)]
    if (isWithoutConditions ? !row.hasConditions : removed.length === 0)
      throw nothingToTake(isWithoutConditions)
    for (const key of removed) {
      if (key === row.owner)
        throw new AppError('BAD_REQUEST', 'The owner of an item can always read it.', {
          hint: 'Remove the item instead.',
        })
      if (!row.sharedWith.includes(key)) throw notAmongThem(key)
    }
    this.#options.contacts.recipients(row.sharedWith.filter((key) => !removed.includes(key)))
    await this.#requireReadable(row)
    this.requireSettled(mediaId)
    const why = reason === undefined ? {} : { reason }
    return this.#begin([{ row, mode: 'rekey', removed, isWithoutConditions, ...why }])[0] ?? ''
  }

  /**
   * Encrypts an item that is kept back in the clear. The plain bytes in the media folder are deleted for good when the
   * ciphertext is there.
   * @returns the id of the transfer
   * @throws {AppError} `NOT_FOUND`, `FORBIDDEN`; `CONFLICT` when it is encrypted or public; `BAD_REQUEST` (no contact);
   *   `KEYCHAIN_…` or `WALLET_…`
   */
  encrypt(mediaId: string, people: readonly string[]): string {
    const row = this.#requireOwn(mediaId)
    requireKeptInClear(row)
    const others = [...new Set(people)].filter((key) => key !== row.owner)
    this.#options.contacts.recipients(others)
    this.#options.self()
    this.requireSettled(mediaId)
    return this.#begin([{ row, mode: 'encrypt', people: others }])[0] ?? ''
  }

  /**
   * A new key for every encrypted item of one's own. What is in the trash is left there as it is.
   * @returns the ids of their transfers, also of those that were waiting already
   * @throws {AppError} `KEYCHAIN_…` or `WALLET_…` while the wallet is closed
   */
  rotateAll(): string[] {
    this.#options.self()
    const rows = [...this.#ownEncrypted()]
    const unfinished = this.#unfinished()
    const busy = rows.flatMap(({ mediaId }) => unfinished.get(mediaId) ?? [])
    const idle = rows.filter(({ mediaId }) => !unfinished.has(mediaId))
    return [...new Set(busy), ...this.#begin(idle.map((row) => ({ row, mode: 'rekey' })))]
  }

  #begin(
    inputs: readonly ({ readonly row: ItemRow } & Pick<RekeyPayload, 'mode'> & Partial<RekeyPayload>)[],
  ): string[] {
    const { transfers } = this.#options
    const made = transfers.createAll(
      inputs.map(({ row, ...payload }) => ({
        transfer: {
          kind: 'rekey',
          name: row.name,
          stage: 'read',
          mediaId: row.mediaId,
          accessLevel: row.accessLevel,
          isEncrypted: true,
          bytesTotal: row.plainSizeBytes ?? row.sizeBytes,
        },
        payload: {
          oldId: row.mediaId,
          removed: [],
          isWithoutConditions: false,
          people: [],
          isCommitted: false,
          ...payload,
        } satisfies RekeyPayload,
      })),
    )
    const ids = made.map(({ id }) => id)
    this.jobs.begin(ids)
    return ids
  }

  async #run(job: RunningJob): Promise<void> {
    const { transfers } = this.#options
    let payload = this.#payload(job.id)
    if (!this.#isReplaced(payload)) {
      await this.#encrypt(job, payload)
      payload = this.#payload(job.id)
    }
    const { replacement } = payload
    if (replacement === undefined)
      throw new Error('an item was encrypted anew without saying what became of it')
    job.commit()
    this.#replaced.set(payload.oldId, job.id)
    try {
      transfers.update(job.id, { stage: 'store', mediaId: replacement.newId }, { persist: false })
      await this.#carryThrough(job, payload, replacement.newId)
    } finally {
      this.#replaced.delete(payload.oldId)
    }
  }

  #finish(id: string, newId: MediaId): void {
    const { library, transfers } = this.#options
    const { bytesTotal = 0 } = transfers.get(id) ?? {}
    transfers.update(id, {
      state: 'done',
      stage: library.get(newId)?.infoHash === undefined ? 'store' : 'seed',
      mediaId: newId,
      bytesDone: bytesTotal,
      rateBytesPerSec: 0,
      etaMs: undefined,
    })
  }

  async #encrypt(job: RunningJob, payload: RekeyPayload): Promise<void> {
    const onProgress = (progress: Progress): void => this.jobs.progress(job.id, progress)
    try {
      await encryptAnew(this.#options, { job, payload, onProgress })
    } catch (error) {
      const isFull = error instanceof AppError && error.code === 'DISK_FULL'
      if (!isFull || !(await this.#makeRoom())) throw error
      await encryptAnew(this.#options, { job, payload, onProgress })
    }
  }

  /**
   * A rotation would need the room of the whole library a second time: when none is left, what earlier jobs have replaced goes
   * from the trash, as all of it is in the library under its new key. @returns whether that was anything
   */
  async #makeRoom(): Promise<boolean> {
    const { library, revocations, log } = this.#options
    const replaced = revocations.replaced().filter(({ mediaId, supersededBy }) => {
      const old = library.get(mediaId, { isTrashIncluded: true })
      return (
        old?.isOwn === true && old.trashedAtMs !== undefined && library.get(supersededBy)?.fileState === 'ok'
      )
    })
    for (const { mediaId } of replaced) await library.removeForGood(mediaId)
    if (replaced.length > 0) log.info('rekey.made-room', { items: replaced.length })
    return replaced.length > 0
  }

  /** Whether the new item is there: said by this job, or by the library that finished after a crash what this job began. */
  #isReplaced({ replacement, isCommitted }: RekeyPayload): boolean {
    if (replacement === undefined) return false
    return (
      isCommitted || this.#options.library.get(replacement.newId, { isTrashIncluded: true }) !== undefined
    )
  }

  /** Nobody is left with both: goes on until the old one is away, however often the drive comes and goes meanwhile. */
  async #carryThrough(job: RunningJob, payload: RekeyPayload, newId: MediaId): Promise<void> {
    const { transfers, log } = this.#options
    for (;;) {
      try {
        transfers.setPayload(job.id, { ...payload, isCommitted: true })
        await this.#putAway(payload)
        this.#finish(job.id, newId)
        return
      } catch (error) {
        if (!(error instanceof AppError) || !PASSING.has(error.code)) throw error
        log.warn('rekey.put-away-postponed', { id: job.id, code: error.code })
        await sleep(RETRY_MS, undefined, { signal: job.signal, ref: false })
      }
    }
  }

  /** Each step can be done again. */
  async #putAway({ mode, oldId, replacement }: RekeyPayload): Promise<void> {
    const { library, revocations, settle } = this.#options
    const old = library.get(oldId)
    // After a failure nothing kept anybody from making it public: then it is not ours to throw away.
    if (mode === 'encrypt' && old !== undefined) requireKeptInClear(old)
    const revocation = replacement?.revocation
    if (revocation !== undefined) {
      if (revocations.get(oldId) === undefined) revocations.record(revocation, replacement?.newId)
      revocations.keep(oldId)
    }
    await settle(oldId)
    // What could be read without a key does not wait in the trash for thirty days.
    if (mode === 'encrypt') await library.removeForGood(oldId)
    else await library.remove([oldId])
  }

  #requireOwn(mediaId: string): ItemRow {
    const row = requireHeld(this.#options.library.get(mediaId))
    requireOwn(row)
    return row
  }

  async #requireReadable({ mediaId }: ItemRow): Promise<void> {
    const { library, fileKeys } = this.#options
    const fileKey = await fileKeys.get(await library.manifest(mediaId))
    fileKey.fill(0)
  }

  *#ownEncrypted(): Generator<ItemRow> {
    for (let offset = 0; ; offset += PAGE) {
      const { rows } = this.#options.library.list({ offset, limit: PAGE, sort: 'added', direction: 'asc' })
      for (const row of rows) if (row.isOwn && row.protection !== 'none') yield row
      if (rows.length < PAGE) return
    }
  }

  /** By the items they are about: the old one until it is away, the new one as soon as it is there. */
  #unfinished(): Map<string, string> {
    const rekeys = this.#options.transfers.listUnfinished().filter(({ kind }) => kind === 'rekey')
    const now = rekeys.flatMap(({ id, mediaId }) => (mediaId === undefined ? [] : [[mediaId, id] as const]))
    return new Map([...now, ...this.#replaced])
  }

  #payload(id: string): RekeyPayload {
    const payload = RekeyPayload.safeParse(this.#options.transfers.payload(id))
    if (payload.success) return payload.data
    throw new AppError('CONFLICT', 'This can’t be gone on with. The item is as it was.', {
      hint: 'Begin it again from the item.',
    })
  }
}

function nothingToTake(isAboutConditions: boolean): AppError {
  return new AppError(
    'BAD_REQUEST',
    isAboutConditions
      ? 'This item has no conditions that could be taken away.'
      : 'It was not said who is not to read it any more.',
  )
}

function notAmongThem(key: string): AppError {
  return new AppError('BAD_REQUEST', `${fingerprintOf(key)} is not among those who can read this item.`)
}
