import type { FileHandle } from 'node:fs/promises'

/** Fills `target` from `position` on; fewer bytes only at the end of the file. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/**
 * Writes all of `blocks` one after another, in one call to the system where it takes them. A call may take less than it was
 * given without saying why (the disk filled up in the middle of it); only the next one says that.
 * @param position in the file, of the first byte
 * @param onWritten told of every part, also before a failure
 */
export async function writeFully(
  handle: FileHandle,
  blocks: readonly Uint8Array[],
  position: number,
  onWritten?: (bytes: number) => void,
): Promise<void> {
  let at = position
  let rest = blocks
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at)
    at += bytesWritten
    onWritten?.(bytesWritten)
    rest = skip(rest, bytesWritten)
  }
}

/** What remains of `blocks` after their first `bytes`. */
export function skip(blocks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let toSkip = bytes
  return blocks.flatMap((block) => {
    const skipped = Math.min(toSkip, block.length)
    toSkip -= skipped
    return skipped === block.length ? [] : [block.subarray(skipped)]
  })
}
