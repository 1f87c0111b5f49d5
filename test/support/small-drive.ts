import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { TransferStore } from '../../app/library/index.ts'

/** Whether this machine lets us mount drives of our own. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0

/** A drive in memory, at a folder that is made, until the test is over. */
export function mountDrive(dir: string, sizeMiB: number): void {
  fs.mkdirSync(dir, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', dir])
  onTestFinished(() => void execFileSync('umount', ['-l', dir]))
}

/** Leaves no room for a file on a drive. @returns makes room again */
export function fillDrive(dir: string): () => void {
  const filler = path.join(dir, 'filler')
  const handle = fs.openSync(filler, 'w')
  const block = Buffer.alloc(4096)
  while (canWrite(() => fs.writeSync(handle, block)));
  fs.closeSync(handle)
  return () => fs.rmSync(filler)
}

/**
 * Leaves no room on the data folder’s drive, all at once: first for a file, then for the database, whose log grows as long as
 * somebody reads what it was.
 * @returns makes room again
 */
export function fillDataDrive(dir: string, transfers: TransferStore): () => void {
  const reader = new Database(path.join(dir, 'sower.db'), { readonly: true })
  reader.exec('BEGIN; SELECT count(*) FROM transfers')
  const makeRoom = fillDrive(dir)
  const [{ id } = transfers.create({ kind: 'get', name: 'x' })] = transfers.list()
  // Another value each time: SQLite does not write what is there already.
  for (let etaMs = 1; canWrite(() => transfers.update(id, { etaMs }, { persist: true })); etaMs += 1);
  return () => {
    reader.close()
    makeRoom()
  }
}

function canWrite(write: () => unknown): boolean {
  try {
    write()
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'DISK_FULL' || code === 'ENOSPC') return false
    throw error
  }
}
