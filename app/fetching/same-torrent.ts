import fs from 'node:fs/promises'
import { AppError } from '../contract/index.ts'
import { heldItem } from './held.ts'
import type { FetcherDeps, HeldItem, Shelf } from './ports.ts'

/** Which download fetches by a torrent, until its bytes are stored or it gives up: one swarm serves one at a time. */
export class TorrentClaims {
  readonly #byInfoHash = new Map<string, string>()

  /** @returns whether this download has it now */
  take(infoHash: string, id: string): boolean {
    if (!this.#byInfoHash.has(infoHash)) this.#byInfoHash.set(infoHash, id)
    return this.#byInfoHash.get(infoHash) === id
  }

  /** Whatever this download has. */
  release(id: string): void {
    for (const [infoHash, owner] of this.#byInfoHash) if (owner === id) this.#byInfoHash.delete(infoHash)
  }
}

/** The item in the library that a torrent is of, when that is another than the one it is to be fetched for. */
export function otherItemOf(
  library: Shelf,
  infoHash: string | undefined,
  mediaId: string | undefined,
): HeldItem | undefined {
  if (infoHash === undefined || mediaId === undefined) return undefined
  const held = heldItem(library, { infoHash })
  return held?.mediaId === mediaId ? undefined : held
}

/** Its pieces were checked when it came into the library: the torrent can't be of what the link names. */
export function wrongTorrent({ name }: HeldItem): AppError {
  return new AppError(
    'HASH_MISMATCH',
    `The torrent in this link is the one of “${name}”, which is in your library; the link itself names another item. Nothing was fetched.`,
    { hint: 'Ask for the link again. What you have is untouched.' },
  )
}

/** Two links name one torrent and two items, and the other link was right. */
export function meantForOther(): AppError {
  return new AppError(
    'HASH_MISMATCH',
    'What arrived is not the item this link names, but the one that another download of the same torrent is for. It was handed over to that.',
    { hint: 'Ask for this link again, if you want something else than the other download.' },
  )
}

/** Gives what arrived to the download that waits for exactly these bytes, which checks them itself. */
export async function handOver(
  { folder }: Pick<FetcherDeps, 'folder'>,
  file: string,
  heirId: string,
): Promise<void> {
  const { bytes } = await folder.stage(heirId)
  await fs.rename(file, bytes)
}
