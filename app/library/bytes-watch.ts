import type { LibraryContext } from './context.ts'
import { lookAt } from './item-folder.ts'
import type { FileState, StoredItem } from './item-row.ts'
import { bytesPath } from './media-folder.ts'
import type { Verifier } from './verifier.ts'

interface Finding {
  readonly item: StoredItem
  readonly state: FileState
  /** The size is right but the file was touched: reading it decides. */
  readonly isWorthReading: boolean
}

const SIDE_BY_SIDE = 32

/** Compares what is on the disk with what the database believes, without reading a byte of content. */
export class BytesWatch {
  readonly #context: LibraryContext
  readonly #verifier: Verifier

  constructor(context: LibraryContext, verifier: Verifier) {
    this.#context = context
    this.#verifier = verifier
  }

  /**
   * Looks at these items now.
   * @returns how many are not as they were; -1 when the folder went away meanwhile and nothing was concluded
   */
  async check(items: Iterable<StoredItem>, signal?: AbortSignal): Promise<number> {
    let batch: StoredItem[] = []
    let changes = 0
    for (const item of items) {
      batch.push(item)
      if (batch.length < 512) continue
      const found = await this.#checkBatch(batch)
      if (found < 0 || signal?.aborted === true) return -1
      changes += found
      batch = []
    }
    const found = await this.#checkBatch(batch)
    return found < 0 ? -1 : changes + found
  }

  /** The same for one item, as it stands afterwards. */
  async checkOne(item: StoredItem): Promise<StoredItem | undefined> {
    await this.#checkBatch([item])
    return this.#context.items.get(item.mediaId)
  }

  async #checkBatch(batch: readonly StoredItem[]): Promise<number> {
    const findings: Finding[] = []
    const queue = [...batch]
    const worker = async (): Promise<void> => {
      for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
        const finding = await this.#judge(item)
        if (finding !== undefined) findings.push(finding)
      }
    }
    await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, batch.length) }, worker))
    if (findings.length === 0) return 0
    // A drive that just went away looks like a thousand deleted files.
    if ((await this.#context.folder.refresh()) === 'offline') return -1
    this.#record(findings)
    return findings.length
  }

  async #judge(item: StoredItem): Promise<Finding | undefined> {
    let seen
    try {
      seen = await lookAt(bytesPath(this.#context.folder.paths(item.mediaId), item))
    } catch (error) {
      this.#context.log.warn('library.look-failed', { mediaId: item.mediaId, reason: String(error) })
    }
    if (seen === undefined) return finding(item, 'missing')
    // Read before and found wrong, even if its time stamp says nothing happened (bit rot).
    if (seen.identity === item.badIdentity && item.fileState !== 'checking') return finding(item, 'changed')
    if (!item.isVerified) return finding(item, 'checking', true)
    if (seen.identity === item.fileIdentity) {
      return item.fileState === 'checking' ? undefined : finding(item, 'ok')
    }
    const isWorthReading = seen.sizeBytes === item.sizeBytes
    if (isWorthReading && item.fileState !== 'checking') this.#verifier.enqueue(item.mediaId)
    return item.fileState === 'checking' ? undefined : finding(item, 'changed', isWorthReading)
  }

  #record(findings: readonly Finding[]): void {
    const { db, items, outbox, log } = this.#context
    db.write(() => {
      for (const { item, state } of findings) {
        items.set(item.mediaId, { fileState: state })
        if (state === 'ok' && item.isSeedingWanted && item.infoHash !== undefined) {
          outbox.enqueue(item.mediaId, 'seed')
        }
      }
    })
    for (const { item, state, isWorthReading } of findings) {
      log.info('library.file-state', { mediaId: item.mediaId, from: item.fileState, to: state })
      if (isWorthReading) this.#verifier.enqueue(item.mediaId)
    }
    this.#context.changed(findings.map(({ item }) => item.mediaId))
  }
}

function finding(item: StoredItem, state: FileState, isWorthReading = false): Finding | undefined {
  return item.fileState === state ? undefined : { item, state, isWorthReading }
}
