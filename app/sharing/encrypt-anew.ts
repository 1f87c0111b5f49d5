import { Readable } from 'node:stream'
import { AppError } from '../contract/index.ts'
import { describe, readStream } from '../ingest/index.ts'
import type { DescriberOptions, HashPool, IngestResult, KeyFor, Progress } from '../ingest/index.ts'
import type { ItemRow, Library, MediaFolder, StagingDir, TransferStore } from '../library/index.ts'
import { litPartIn } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import { newFileKey, storedSizeOf } from '../vault/index.ts'
import type { Contacts, FileKeys, LitScheme, Recipient } from '../vault/index.ts'
import { requireEncrypted, requireHeld, requireKeptInClear, requireOwn } from './guards.ts'
import type { RunningJob } from './jobs.ts'
import { plainFactsOf } from './plain-facts.ts'
import type { PlainFacts } from './plain-facts.ts'
import type { RekeyPayload } from './rekey-payload.ts'
import { signRevocation } from './revocation.ts'
import type { Revocations } from './revocations.ts'

export interface EncryptAnewOptions {
  readonly library: Pick<
    Library,
    'get' | 'list' | 'manifest' | 'commit' | 'remove' | 'removeForGood' | 'notify'
  >
  readonly transfers: TransferStore
  readonly folder: Pick<MediaFolder, 'stage'>
  readonly pool: HashPool
  readonly describer: DescriberOptions
  readonly fileKeys: Pick<FileKeys, 'get'>
  readonly lit: Pick<LitScheme, 'add'>
  readonly contacts: Pick<Contacts, 'recipients'>
  readonly revocations: Revocations
  /** One's own keys; throws while the wallet is closed. */
  readonly self: () => Recipient
  /** Waits while the wallet is locked, as it may be right after a start. */
  readonly whenUnlocked: (signal: AbortSignal) => Promise<void>
  readonly openPlain: (mediaId: string) => Promise<PlainFile>
  /** Free space that must remain in the media folder. */
  readonly reserveBytes: () => number
  readonly clock: Clock
  readonly log: Log
}

interface Task {
  readonly job: RunningJob
  readonly payload: RekeyPayload
  readonly onProgress: (progress: Progress) => void
}

/**
 * Reads an item’s plaintext, encrypts it under a key nobody has had before and puts that into the library as an item of its
 * own, in one pass. Nothing is put anywhere unless all of the plaintext was what its owner sealed. The old item stays.
 */
export async function encryptAnew(options: EncryptAnewOptions, task: Task): Promise<void> {
  const { library, folder } = options
  const { job, payload } = task
  await options.whenUnlocked(job.signal)
  const row = requireUnchanged(options, payload)
  // Known to be possible before anything is read.
  recipientsOf(options, payload, row)
  const facts = await plainFactsOf(
    { library, keyOf: (manifest) => options.fileKeys.get(manifest) },
    payload.oldId,
  )
  const staging = await folder.stage(job.id, { expectedBytes: storedSizeOf(facts.sizeBytes) })
  const fileKey = newFileKey()
  try {
    const result = await encryptInto(options, task, { staging, fileKey, facts })
    await commit(options, task, { staging, fileKey, facts, result })
  } catch (error) {
    await staging.discard().catch((failure: unknown) => {
      options.log.warn('rekey.discard-failed', { id: job.id, error: failure })
    })
    throw error
  } finally {
    fileKey.fill(0)
  }
}

interface Encrypting {
  readonly staging: StagingDir
  readonly fileKey: Buffer
  readonly facts: PlainFacts & { readonly manifest: Manifest }
}

async function encryptInto(
  { pool, openPlain, reserveBytes }: EncryptAnewOptions,
  { job, payload, onProgress }: Task,
  { staging, fileKey, facts }: Encrypting,
): Promise<IngestResult> {
  const plain = await openPlain(payload.oldId)
  try {
    const result = await readStream(pool, {
      stream: Readable.from(plain.read(0, plain.sizeBytes, job.signal)),
      stagedPath: staging.bytes,
      name: facts.name,
      sizeHint: facts.sizeBytes,
      withPieces: true,
      encrypt: { fileKey },
      reserveBytes: reserveBytes(),
      signal: job.signal,
      gate: job.gate,
      onProgress,
    })
    if (result.encrypted?.plainHash !== facts.plainHash) throw notWhatWasAdded()
    return result
  } finally {
    await plain.close()
  }
}

async function commit(
  options: EncryptAnewOptions,
  { job, payload }: Task,
  { staging, fileKey, facts, result }: Encrypting & { readonly result: IngestResult },
): Promise<void> {
  const { library, transfers, revocations, describer, clock } = options
  const row = requireUnchanged(options, payload)
  const { isLinked: _isLinked, ...stored } = result
  const recipients = recipientsOf(options, payload, row)
  // The old id of an item in the clear is the sha256 of the file itself: naming it would tell everybody what is inside.
  const supersedes = payload.mode === 'rekey' ? row.mediaId : undefined
  const accessLevel = recipients.length > 1 ? 'shared' : 'private'
  // The network hears that a shared one is withdrawn, and of what is private never: not even the id.
  const isSuccessorTellable = accessLevel !== 'private' || row.accessLevel === 'private'
  const carried = conditionsCarried(options.lit, facts.manifest, fileKey, payload.isWithoutConditions)
  const { manifest, metainfo } = await describe(
    {
      ...stored,
      name: facts.name,
      mime: facts.mime,
      accessLevel,
      createdAt: row.createdAt,
      encryption: { fileKey, recipients, extend: carried.extend },
      ...(supersedes === undefined ? {} : { supersedes }),
    },
    describer,
  )
  const revocation =
    supersedes === undefined
      ? undefined
      : signRevocation(
          {
            mediaId: supersedes,
            ...(isSuccessorTellable ? { supersededBy: manifest.id } : {}),
            reason: payload.reason,
            atMs: clock.nowMs(),
          },
          describer.signer(),
        )
  transfers.update(job.id, { stage: 'store' }, { persist: false })
  // The last moment for a cancellation, and for a pause to hold.
  await job.gate.wait(job.signal)
  job.signal.throwIfAborted()
  requireUnchanged(options, payload)
  const uncommit = job.commit()
  const next = {
    ...payload,
    replacement: { newId: manifest.id, ...(revocation === undefined ? {} : { revocation }) },
  }
  try {
    await library.commit({
      staging,
      mediaId: manifest.id,
      manifest,
      metainfo,
      isOwn: true,
      isSeedingWanted: row.isSeedingWanted,
      addedAtMs: row.addedAtMs,
      onIntent: () => transfers.setPayload(job.id, next),
      onCommit: () => {
        transfers.setPayload(job.id, { ...next, isCommitted: true })
        if (revocation !== undefined) revocations.record(revocation, manifest.id)
      },
    })
  } catch (error) {
    uncommit()
    throw error
  }
  if (carried.isLost()) library.notify(conditionsGone(facts.name))
}

/** The item as it is now. @throws {AppError} when it has become one that would not be encrypted (anew) */
function requireUnchanged(
  { library }: Pick<EncryptAnewOptions, 'library'>,
  { mode, oldId }: RekeyPayload,
): ItemRow {
  const row = requireHeld(library.get(oldId))
  requireOwn(row)
  if (mode === 'encrypt') requireKeptInClear(row)
  else requireEncrypted(row)
  return row
}

/** Has Lit give the new key under the conditions of the old one; without its network the item does without them. */
function conditionsCarried(
  lit: EncryptAnewOptions['lit'],
  { encryption }: Manifest,
  fileKey: Buffer,
  isWithout: boolean,
): { readonly extend: KeyFor['extend']; readonly isLost: () => boolean } {
  const part = isWithout ? undefined : litPartIn(encryption?.keyEnvelope)
  let isLost = false
  const extend: KeyFor['extend'] = async (envelope, subject) => {
    if (part === undefined) return envelope
    try {
      return await lit.add(envelope, { ...subject, fileKey }, part.conditions)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      isLost = true
      return envelope
    }
  }
  return { extend, isLost: () => isLost }
}

function conditionsGone(name: string): Parameters<Library['notify']>[0] {
  return {
    level: 'info',
    code: 'CONDITIONS_GONE',
    message: `“${name}” was encrypted anew, without the conditions under which Lit gave its key to others: that network could not be reached.`,
    hint: 'Set them again when it can, if you still want them.',
  }
}

/** Who can read the item when the job is done: its owner, and those of now without the removed. */
function recipientsOf(
  { contacts, self }: EncryptAnewOptions,
  { mode, removed, people }: RekeyPayload,
  { owner, sharedWith }: ItemRow,
): Recipient[] {
  const others = mode === 'encrypt' ? people : sharedWith.filter((key) => !removed.includes(key))
  return [self(), ...contacts.recipients(others.filter((key) => key !== owner))]
}

function notWhatWasAdded(): AppError {
  return new AppError(
    'HASH_MISMATCH',
    'The stored file is not the one that was added, so it was not encrypted anew. The item is as it was.',
    { hint: 'Have the item checked; if it is damaged, add the original again.' },
  )
}
