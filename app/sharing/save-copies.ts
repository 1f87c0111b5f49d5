import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { AppError } from '../contract/index.ts'
import { ProgressMeter } from '../ingest/index.ts'
import type { Library, MediaFolder, TransferStore } from '../library/index.ts'
import type { Log } from '../ports/log.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import type { FileKeys } from '../vault/index.ts'
import { Jobs } from './jobs.ts'
import type { RunningJob } from './jobs.ts'
import { plainFactsOf } from './plain-facts.ts'
import { checkTarget, draftOf, isPlaced, placeDraft, requireRoom, writeDraft } from './target-file.ts'

/** Two drives can be kept busy; more would only take them from each other. */
const AT_ONCE = 2

const Payload = z.object({
  mediaId: z.string(),
  /** Absolute. */
  path: z.string(),
  isReplacing: z.boolean(),
  /** By what the whole file can be recognised, said right before it gets its name. */
  placing: z.string().optional(),
})
type Payload = z.output<typeof Payload>

export interface SaveCopiesOptions {
  readonly library: Pick<Library, 'get' | 'manifest'>
  readonly transfers: TransferStore
  readonly folder: Pick<MediaFolder, 'dir'>
  /** Asks the Lit network as well: somebody wants to read it. */
  readonly fileKeys: Pick<FileKeys, 'fetch'>
  /** Waits while the wallet is locked, as it may be right after a start. */
  readonly whenUnlocked: (signal: AbortSignal) => Promise<void>
  readonly openPlain: (mediaId: string) => Promise<PlainFile>
  readonly log: Log
}

interface SaveInput {
  readonly mediaId: string
  /** Absolute path of the file to write. */
  readonly path: string
  readonly isReplacing: boolean
}

/** Copies of items outside the media folder: decrypted, checked against their plaintext's sha256, then given their name. */
export class SaveCopies {
  readonly jobs: Jobs
  readonly #options: SaveCopiesOptions
  #tidied: Promise<unknown> = Promise.resolve()

  constructor(options: SaveCopiesOptions) {
    this.#options = options
    this.jobs = new Jobs({
      kind: 'save',
      atOnce: AT_ONCE,
      transfers: options.transfers,
      log: options.log,
      run: (job) => this.#run(job),
      tidy: (id) => this.#removeDraft(id),
    })
  }

  /** Removes what a crash left of unfinished copies: they are plaintext. Then goes on with them. */
  start(): void {
    const { transfers, log } = this.#options
    const saves = transfers.list().filter(({ kind }) => kind === 'save')
    this.#tidied = Promise.all(
      saves.map(async ({ id }) => {
        await this.#removeDraft(id).catch((error: unknown) => log.warn('save.tidy-failed', { id, error }))
      }),
    )
    this.jobs.start()
  }

  /**
   * Begins to save a copy.
   * @returns the id of its transfer
   * @throws {AppError} `NOT_FOUND`, `KEY_NEEDED`, `LIT_UNAVAILABLE`, `KEYCHAIN_…`, `CONFLICT` (there is a file already), `BAD_REQUEST` (no such
   *   folder), `DISK_FULL`, and what the library says of the media folder
   */
  async begin(input: SaveInput): Promise<string> {
    const { library, transfers, folder } = this.#options
    const path = resolve(input.path)
    const row = library.get(input.mediaId)
    if (row === undefined) throw new AppError('NOT_FOUND', 'This item is not in the library.')
    const { name, sizeBytes } = await this.#factsOf(input.mediaId)
    await checkTarget(path, input.isReplacing, folder.dir)
    await requireRoom(path, sizeBytes)
    const [made] = transfers.createAll([
      {
        transfer: {
          kind: 'save',
          name,
          stage: 'read',
          mediaId: row.mediaId,
          bytesTotal: sizeBytes,
          isEncrypted: row.protection !== 'none',
        },
        payload: { ...input, path } satisfies Payload,
      },
    ])
    if (made === undefined) throw new Error('a transfer was not made')
    this.jobs.begin([made.id])
    return made.id
  }

  async #run(job: RunningJob): Promise<void> {
    await this.#tidied
    const { transfers, folder } = this.#options
    const payload = this.#payload(job.id)
    const { mediaId, path, isReplacing, placing } = payload
    if (placing !== undefined && (await isPlaced(path, placing))) return this.#finish(job.id)
    const { isEncrypted } = transfers.get(job.id) ?? {}
    if (isEncrypted === true) await this.#options.whenUnlocked(job.signal)
    const facts = await this.#factsOf(mediaId)
    await checkTarget(path, isReplacing, folder.dir)
    await requireRoom(path, facts.sizeBytes)
    const draft = draftOf(path, job.id)
    const { sha256, identity } = await this.#copy(job, payload, draft, facts.sizeBytes)
    transfers.update(job.id, { stage: 'verify' }, { persist: false })
    if (sha256 !== facts.plainHash) {
      throw new AppError(
        'HASH_MISMATCH',
        'The stored bytes are not the file that was added, so no copy was saved.',
        { hint: 'Have the item checked; if it is damaged, fetch it again.' },
      )
    }
    await job.gate.wait(job.signal)
    job.signal.throwIfAborted()
    job.commit()
    transfers.update(job.id, { stage: 'store' }, { persist: false })
    transfers.setPayload(job.id, { ...payload, placing: identity })
    await placeDraft(draft, path, isReplacing)
    this.#finish(job.id)
  }

  async #copy(
    job: RunningJob,
    { mediaId, path }: Payload,
    draft: string,
    sizeBytes: number,
  ): Promise<{ sha256: string; identity: string }> {
    const meter = new ProgressMeter(sizeBytes, (progress) => this.jobs.progress(job.id, progress))
    const plain = await this.#options.openPlain(mediaId)
    try {
      const written = await writeDraft(plain.read(0, plain.sizeBytes, job.signal), {
        draft,
        target: path,
        onChunk: async (bytes) => {
          if (job.gate.isPaused) {
            await job.gate.wait(job.signal)
            meter.restart()
          }
          job.signal.throwIfAborted()
          meter.add(bytes)
        },
      })
      meter.end()
      return written
    } finally {
      await plain.close()
    }
  }

  #factsOf(mediaId: string): ReturnType<typeof plainFactsOf> {
    const { library, fileKeys } = this.#options
    return plainFactsOf({ library, keyOf: (manifest) => fileKeys.fetch(manifest) }, mediaId)
  }

  #finish(id: string): void {
    const { transfers } = this.#options
    const { bytesTotal = 0 } = transfers.get(id) ?? {}
    transfers.update(id, {
      state: 'done',
      stage: 'store',
      bytesDone: bytesTotal,
      rateBytesPerSec: 0,
      etaMs: undefined,
    })
  }

  async #removeDraft(id: string): Promise<void> {
    const payload = Payload.safeParse(this.#options.transfers.payload(id))
    if (payload.success) await rm(draftOf(payload.data.path, id), { force: true })
  }

  #payload(id: string): Payload {
    const payload = Payload.safeParse(this.#options.transfers.payload(id))
    if (payload.success) return payload.data
    throw new AppError('CONFLICT', 'This copy can’t be gone on with.', { hint: 'Save it again.' })
  }
}
