import { basename } from 'node:path'
import type { AccessLevel } from '../contract/index.ts'
import type { ItemRow, StagingDir } from '../library/index.ts'
import { chunksOf } from '../manifest/index.ts'
import { newFileKey } from '../stream-cipher.ts'
import type { Recipient } from '../vault/index.ts'
import {
  connectionLost,
  mayBeProtected,
  isProtected,
  saidTooLate,
  type AddAccess,
  type AddStreamInput,
} from './add-input.ts'
import { readPayload, type PathPayload } from './add-payload.ts'
import type { AdderOptions } from './adder-options.ts'
import { describe, type DescriberOptions, type KeyFor } from './describe.ts'
import { cleanFileName } from './file-name.ts'
import { cancelled } from './fs-errors.ts'
import type { PauseGate } from './pause-gate.ts'
import type { Progress } from './progress.ts'
import { readFile, type IngestResult } from './read-file.ts'
import { readStream } from './read-stream.ts'
import { unseal } from './unseal.ts'

export interface Added {
  readonly row: ItemRow
  readonly isDuplicate: boolean
}

/** One add under way. */
export interface AddJob {
  readonly id: string
  readonly gate: PauseGate
  readonly signal: AbortSignal
}

interface Details {
  readonly name: string
  readonly accessLevel: AccessLevel
  readonly encryption?: KeyFor
  readonly onIntent?: () => void
}

/** What one add does, from the first byte to the row in the library; its transfer says how far it is. */
export class AddWork {
  readonly #options: AdderOptions
  readonly #describer: DescriberOptions

  constructor(options: AdderOptions, describer: DescriberOptions) {
    this.#options = options
    this.#describer = describer
  }

  /** @throws {AppError} what `readFile` throws, `WALLET_…`, `BAD_REQUEST` (no contact), and what the library says */
  async addPath(job: AddJob): Promise<void> {
    const { transfers, library } = this.#options
    const payload = readPayload(transfers, job.id)
    if (payload?.source !== 'path') throw connectionLost()
    const { committing } = payload
    const committed = committing === undefined ? undefined : library.get(committing.mediaId)
    if (committing !== undefined && committed?.fileState === 'ok') {
      this.#finish(job.id, committed, committing.isDuplicate)
      return
    }
    // A key of its own for every attempt: what a former one has left is under another.
    const fileKey = payload.isEncrypted || payload.people.length > 0 ? newFileKey() : undefined
    try {
      await this.#addPath(job, payload, fileKey)
    } finally {
      fileKey?.fill(0)
    }
  }

  /** @throws {AppError} what `readStream` throws, `WALLET_…`, `BAD_REQUEST`, and what the library says of the media folder */
  async addStream(job: AddJob, input: AddStreamInput): Promise<Added> {
    const fileKey = newFileKey()
    try {
      return await this.#addStream(job, input, fileKey)
    } finally {
      fileKey.fill(0)
    }
  }

  async #addPath(job: AddJob, payload: PathPayload, fileKey: Buffer | undefined): Promise<void> {
    const { transfers, library, folder, pool, signer, settings } = this.#options
    const { path, storage } = payload
    const isPublic = transfers.get(job.id)?.accessLevel === 'public'
    // Known to be possible before anything is read.
    signer()
    const recipients = fileKey === undefined ? [] : this.#contacts(payload.people)
    const staging = await folder.stage(job.id)
    try {
      const result = await readFile(pool, {
        sourcePath: path,
        stagedPath: staging.bytes,
        storage,
        encrypt: fileKey === undefined ? undefined : { fileKey },
        withPieces: isPublic || fileKey !== undefined,
        reserveBytes: settings.get().reserveBytes,
        beforeCopy: async (sizeBytes) => void (await folder.stage(job.id, { expectedBytes: sizeBytes })),
        signal: job.signal,
        gate: job.gate,
        onProgress: (progress) => this.#progress(job, progress),
      })
      const isDuplicate = library.get(result.sha256)?.fileState === 'ok'
      const onIntent = (): void =>
        transfers.setPayload(job.id, { ...payload, committing: { mediaId: result.sha256, isDuplicate } })
      const name = cleanFileName(basename(path))
      const access = this.#accessFor(isPublic ? 'public' : 'private', recipients, fileKey)
      await this.#commit(job, staging, result, { name, ...access, onIntent })
    } catch (error) {
      await staging.discard().catch((failure: unknown) => this.#couldNotDiscard(job.id, failure))
      throw error
    }
  }

  async #addStream(job: AddJob, input: AddStreamInput, fileKey: Buffer): Promise<Added> {
    const { folder, pool, signer, settings } = this.#options
    const { stream, name, sizeHint, maxBytes, details } = input
    signer()
    const shallEncrypt = (isAllHere: boolean): boolean => {
      const soFar = details?.() ?? input
      return details === undefined || isAllHere ? isProtected(soFar) : mayBeProtected(soFar)
    }
    isProtected(input)
    const staging = await folder.stage(job.id, sizeHint === undefined ? {} : { expectedBytes: sizeHint })
    try {
      const stored = await readStream(pool, {
        stream,
        stagedPath: staging.bytes,
        name,
        sizeHint,
        maxBytes,
        encrypt: (isAllHere) => (shallEncrypt(isAllHere) ? { fileKey } : undefined),
        // Costs nothing beside the sha256, and `details` may yet say that it is public.
        withPieces: input.accessLevel === 'public' || details !== undefined || isProtected(input),
        reserveBytes: settings.get().reserveBytes,
        signal: job.signal,
        gate: job.gate,
        onProgress: (progress) => this.#progress(job, progress),
      })
      const final = details?.() ?? input
      const isSealed = isProtected(final)
      if (isSealed && stored.encrypted === undefined) throw saidTooLate()
      const { signal, gate } = job
      const result = isSealed
        ? stored
        : await unseal(pool, { stagedPath: staging.bytes, fileKey, stored, signal, gate })
      const { accessLevel, recipients = [] } = final
      const access = this.#accessFor(accessLevel, recipients, isSealed ? fileKey : undefined)
      return await this.#commit(job, staging, result, { name: cleanFileName(final.name), ...access })
    } catch (error) {
      await staging.discard().catch((failure: unknown) => this.#couldNotDiscard(job.id, failure))
      throw error
    }
  }

  async #commit(
    { id, gate, signal }: AddJob,
    staging: StagingDir,
    result: IngestResult,
    { onIntent, encryption, ...details }: Details,
  ): Promise<Added> {
    const { transfers, library, clock, settings } = this.#options
    const { isLinked, ...stored } = result
    const chunks = await chunksOf(staging.bytes, settings.get().bootstrapBytes)
    const facts = {
      ...stored,
      ...details,
      createdAt: clock.nowMs(),
      ...(chunks === undefined ? {} : { chunks }),
    }
    const { manifest, metainfo } = await describe(
      encryption === undefined ? facts : { ...facts, encryption },
      this.#describer,
    )
    const bytes = result.encrypted?.plainSizeBytes ?? result.sizeBytes
    const isEncrypted = encryption !== undefined
    transfers.update(
      id,
      { stage: 'store', isLinked, isEncrypted, ...details, bytesDone: bytes, bytesTotal: bytes },
      { persist: false },
    )
    // The last moment for a cancellation, and for a pause to hold.
    await gate.wait(signal)
    if (signal.aborted) throw cancelled(signal)
    const added = await library.commit({
      staging,
      mediaId: result.sha256,
      manifest,
      metainfo,
      isOwn: true,
      isSeedingWanted: true,
      ...(onIntent === undefined ? {} : { onIntent }),
      onCommit: (row) => this.#finish(id, row, false),
    })
    if (transfers.get(id)?.state !== 'done') this.#finish(id, added.row, added.isDuplicate)
    return added
  }

  /** @throws {AppError} `BAD_REQUEST` for somebody who is no contact (any more) */
  #contacts(people: readonly string[]): Recipient[] {
    const { contacts, self } = this.#options
    const { owner } = self()
    return contacts.recipients(people.filter((person) => person !== owner))
  }

  /** The owner can read whatever they encrypt. */
  #accessFor(
    accessLevel: AddAccess,
    recipients: readonly Recipient[],
    fileKey: Buffer | undefined,
  ): Pick<Details, 'accessLevel' | 'encryption'> {
    if (fileKey === undefined) return { accessLevel }
    const self = this.#options.self()
    const others = recipients.filter(({ owner }) => owner !== self.owner)
    return {
      accessLevel: others.length > 0 ? 'shared' : 'private',
      encryption: { fileKey, recipients: [self, ...others] },
    }
  }

  #progress({ id, gate }: AddJob, { bytesDone, bytesTotal, rateBytesPerSec, etaMs }: Progress): void {
    this.#options.transfers.update(id, {
      bytesDone,
      bytesTotal,
      rateBytesPerSec: gate.isPaused ? 0 : rateBytesPerSec,
      etaMs: gate.isPaused ? undefined : etaMs,
    })
  }

  #finish(id: string, row: ItemRow, isDuplicate: boolean): void {
    const bytes = row.plainSizeBytes ?? row.sizeBytes
    this.#options.transfers.update(id, {
      state: 'done',
      stage: row.infoHash === undefined ? 'store' : 'seed',
      mediaId: row.mediaId,
      bytesDone: bytes,
      bytesTotal: bytes,
      rateBytesPerSec: 0,
      etaMs: undefined,
      isDuplicate,
    })
  }

  #couldNotDiscard(id: string, error: unknown): void {
    this.#options.log.warn('ingest.discardFailed', { id, error: String(error) })
  }
}
