import { createHash, hash, type Hash } from 'node:crypto'
import { parentPort, type MessagePort } from 'node:worker_threads'

/**
 * What one task of a hash worker computes over the blocks it is shown. Blocks lie in shared memory and are never copied:
 * `block` names a slot, `taken` says that the slot may be filled again as far as this worker is concerned.
 */
export type ToHashWorker =
  | {
      readonly type: 'open'
      readonly task: number
      readonly memory: SharedArrayBuffer
      readonly blockBytes: number
      /** Absent: sha256 of the whole; present: SHA-1 of every piece of this many bytes. */
      readonly pieceLength?: number
    }
  | { readonly type: 'block'; readonly task: number; readonly slot: number; readonly length: number }
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
  readonly digester: Digester
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

function serve(port: MessagePort): void {
  const tasks = new Map<number, OpenTask>()

  const answer = (message: FromHashWorker): void => port.postMessage(message)

  port.on('message', (message: ToHashWorker) => {
    if (message.type === 'open') {
      const { memory, blockBytes, pieceLength } = message
      const slots = Array.from(
        { length: memory.byteLength / blockBytes },
        (_, index) => new Uint8Array(memory, index * blockBytes, blockBytes),
      )
      const digester = pieceLength === undefined ? sha256Digester() : pieceDigester(pieceLength)
      tasks.set(message.task, { slots, digester })
      return
    }
    // A task that was dropped may still have blocks on their way: they concern nobody any more.
    const task = tasks.get(message.task)
    if (task === undefined) return
    switch (message.type) {
      case 'block': {
        const slot = task.slots[message.slot]
        if (slot === undefined) throw new RangeError(`no slot ${message.slot}`)
        task.digester.update(slot.subarray(0, message.length))
        answer({ type: 'taken', task: message.task, slot: message.slot })
        return
      }
      case 'finish':
        tasks.delete(message.task)
        answer({ type: 'finished', task: message.task, digest: task.digester.digest() })
        return
      case 'drop':
        tasks.delete(message.task)
        return
    }
  })
}

if (parentPort !== null) serve(parentPort)
