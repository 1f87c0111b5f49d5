import { createHash, hash, type Hash } from 'node:crypto'
import { parentPort, type MessagePort } from 'node:worker_threads'
import type { StreamKeys } from '../stream-cipher.ts'
import { garbageCollector } from './collect-garbage.ts'
import { sealBlock } from './seal-block.ts'

/** What is computed over the blocks of one task. */
export type Work =
  | { readonly type: 'sha256' }
  /** SHA-1 of every piece of this many bytes. */
  | { readonly type: 'pieces'; readonly pieceLength: number }
  /** sha256 of the whole, and its ciphertext into the slots of another ring. */
  | {
      readonly type: 'seal'
      readonly keys: StreamKeys
      readonly target: SharedArrayBuffer
      readonly targetBlockBytes: number
    }

/** Where a block's ciphertext goes, and where in the file the block is. */
export interface SealedPlace {
  readonly target: number
  /** Of the file's segments. */
  readonly firstIndex: number
  readonly isLast: boolean
}

/**
 * What one task of a hash worker computes over the blocks it is shown (and, where it encrypts, writes beside them). Blocks lie in shared memory and are never copied:
 * `block` names a slot, `taken` says that the slot may be filled again as far as this worker is concerned.
 */
export type ToHashWorker =
  | {
      readonly type: 'open'
      readonly task: number
      readonly memory: SharedArrayBuffer
      readonly blockBytes: number
      readonly work: Work
    }
  | {
      readonly type: 'block'
      readonly task: number
      readonly slot: number
      readonly length: number
      /** Only, and always, where the work is to seal. */
      readonly place?: SealedPlace
    }
  | { readonly type: 'finish'; readonly task: number }
  | { readonly type: 'drop'; readonly task: number }

export type FromHashWorker =
  | { readonly type: 'taken'; readonly task: number; readonly slot: number }
  | { readonly type: 'finished'; readonly task: number; readonly digest: Uint8Array }

interface Digester {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

interface OpenTask {
  readonly slots: readonly Uint8Array[]
  readonly worker: BlockWorker
}

interface BlockWorker {
  block(bytes: Uint8Array, place: SealedPlace | undefined): void
  digest(): Uint8Array
  /** It is over, finished or not. */
  close(): void
}

function sha256Digester(): Digester {
  const whole = createHash('sha256')
  return {
    update: (bytes) => void whole.update(bytes),
    digest: () => whole.digest(),
  }
}

/** SHA-1 of consecutive pieces, 20 bytes each; the last piece may be shorter (BEP 3). */
export function pieceDigester(pieceLength: number): Digester {
  const digests: Uint8Array[] = []
  let open: Hash | null = null
  let openBytes = 0

  function update(bytes: Uint8Array): void {
    let offset = 0
    while (offset < bytes.length) {
      const length = Math.min(pieceLength - openBytes, bytes.length - offset)
      const part = bytes.subarray(offset, offset + length)
      offset += length
      if (length === pieceLength) {
        // A piece that lies whole in the block needs no hash object of its own.
        digests.push(hash('sha1', part, 'buffer'))
        continue
      }
      open ??= createHash('sha1')
      open.update(part)
      openBytes += length
      if (openBytes === pieceLength) close()
    }
  }

  function close(): void {
    if (open === null) return
    digests.push(open.digest())
    open = null
    openBytes = 0
  }

  return {
    update,
    digest: () => {
      close()
      return Uint8Array.from(Buffer.concat(digests))
    },
  }
}

function workerFor(work: Work): BlockWorker {
  switch (work.type) {
    case 'sha256':
      return digesting(sha256Digester())
    case 'pieces':
      return digesting(pieceDigester(work.pieceLength))
    case 'seal':
      return sealing(work)
  }
}

function digesting(digester: Digester): BlockWorker {
  return {
    block: (bytes) => digester.update(bytes),
    digest: () => digester.digest(),
    close: () => undefined,
  }
}

/** What OpenSSL gives is copied to its place at once; a measured balance of memory and time. */
const BLOCKS_PER_COLLECTION = 8

function sealing({ keys, target, targetBlockBytes }: Extract<Work, { type: 'seal' }>): BlockWorker {
  const plain = sha256Digester()
  const targets = slotsOf(target, targetBlockBytes)
  const collect = garbageCollector()
  let blocks = 0
  return {
    block: (bytes, place) => {
      const into = place === undefined ? undefined : targets[place.target]
      if (place === undefined || into === undefined) throw new RangeError('no place for the ciphertext')
      plain.update(bytes)
      sealBlock(keys, place.firstIndex, place.isLast, bytes, into)
      blocks += 1
      if (blocks % BLOCKS_PER_COLLECTION === 0) collect()
    },
    digest: () => plain.digest(),
    close: () => void keys.key.fill(0),
  }
}

function slotsOf(memory: SharedArrayBuffer, blockBytes: number): Uint8Array[] {
  return Array.from(
    { length: memory.byteLength / blockBytes },
    (_, index) => new Uint8Array(memory, index * blockBytes, blockBytes),
  )
}

function serve(port: MessagePort): void {
  const tasks = new Map<number, OpenTask>()

  const answer = (message: FromHashWorker): void => port.postMessage(message)

  port.on('message', (message: ToHashWorker) => {
    if (message.type === 'open') {
      const { memory, blockBytes, work } = message
      tasks.set(message.task, { slots: slotsOf(memory, blockBytes), worker: workerFor(work) })
      return
    }
    // A task that was dropped may still have blocks on their way: they concern nobody any more.
    const task = tasks.get(message.task)
    if (task === undefined) return
    switch (message.type) {
      case 'block': {
        const slot = task.slots[message.slot]
        if (slot === undefined) throw new RangeError(`no slot ${message.slot}`)
        task.worker.block(slot.subarray(0, message.length), message.place)
        answer({ type: 'taken', task: message.task, slot: message.slot })
        return
      }
      case 'finish':
        tasks.delete(message.task)
        answer({ type: 'finished', task: message.task, digest: task.worker.digest() })
        task.worker.close()
        return
      case 'drop':
        tasks.delete(message.task)
        task.worker.close()
        return
    }
  })
}

if (parentPort !== null) serve(parentPort)
