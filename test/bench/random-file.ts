import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { MIB } from './report.ts'

/** A file of incompressible bytes, on the disk when this resolves, and still in the page cache. */
export async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  const block = randomBytes(8 * MIB)
  const handle = await open(path, 'w')
  for (let at = 0; at < sizeBytes; at += block.length) {
    block.writeUInt32LE(at / block.length, 0)
    await handle.write(block, 0, Math.min(block.length, sizeBytes - at))
  }
  await handle.sync()
  await handle.close()
}
