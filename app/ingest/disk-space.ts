import { stat, statfs } from 'node:fs/promises'
import { AppError } from '../contract/errors.ts'

/** A job's share of the free space, until the bytes are written or the job is over. */
export interface SpaceReservation {
  /** `bytes` more of the share have been written and now show up as used space. */
  used(bytes: number): void
  release(): void
}

/** Promises of free space to running jobs, by volume, so that two big files are not both let in where one fits. */
export class DiskSpace {
  readonly #promised = new Map<number, Set<{ bytes: number }>>()

  /**
   * @param folder existing folder on the volume that is written to
   * @param sizeBytes what the job is going to write
   * @param reserveBytes what must stay free beyond that
   * @throws {AppError} `DISK_FULL` when it would not fit
   */
  async reserve(folder: string, sizeBytes: number, reserveBytes: number): Promise<SpaceReservation> {
    const [volume, disk] = await Promise.all([stat(folder), statfs(folder)])
    const promised = this.#promised.get(volume.dev) ?? new Set()
    this.#promised.set(volume.dev, promised)
    const freeBytes = disk.bavail * disk.bsize
    const promisedBytes = [...promised].reduce((sum, share) => sum + share.bytes, 0)
    if (sizeBytes + reserveBytes + promisedBytes > freeBytes) throw diskFull({ sizeBytes, freeBytes })
    const share = { bytes: sizeBytes }
    promised.add(share)
    return {
      used: (bytes) => {
        share.bytes = Math.max(0, share.bytes - bytes)
      },
      release: () => void promised.delete(share),
    }
  }
}

export function diskFull(details: Record<string, number> = {}, cause?: unknown): AppError {
  return new AppError(
    'DISK_FULL',
    'There is not enough free space in the media folder. Nothing was stored, and your other items are safe.',
    { cause, details, hint: 'Free some space or choose another media folder, then try again.' },
  )
}
