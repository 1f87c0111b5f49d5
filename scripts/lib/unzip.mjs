import fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'

// Small on purpose: enough of PKWARE's APPNOTE for one trusted archive below 4 GiB, so that neither a Debian
// package nor an npm one is needed to unpack a runtime.

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const symlinkType = 0xa000

/**
 * Unpacks a zip archive with its modes and symbolic links.
 * @param {string} archive
 * @param {string} folder created when missing
 * @param {(name: string) => string | undefined} place where an entry goes, relative to `folder`; undefined leaves it out
 */
export async function unzip(archive, folder, place) {
  const handle = await fs.promises.open(archive, 'r')
  try {
    for (const entry of await readDirectory(handle)) {
      const name = place(entry.name)
      if (name === undefined || entry.name.endsWith('/')) continue
      const target = path.join(folder, name)
      if (path.relative(folder, target).startsWith('..')) throw new Error(`${entry.name} leaves the folder`)
      await fs.promises.mkdir(path.dirname(target), { recursive: true })
      await writeEntry(handle, archive, entry, target)
    }
  } finally {
    await handle.close()
  }
}

/**
 * @typedef {{ name: string, isDeflated: boolean, packedBytes: number, localOffset: number, mode: number }} Entry
 */

/**
 * @param {fs.promises.FileHandle} handle
 * @returns {Promise<Entry[]>}
 */
async function readDirectory(handle) {
  const { size } = await handle.stat()
  const tail = await readAt(handle, Math.max(0, size - 65_557), Math.min(size, 65_557))
  let end = tail.length - 22
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end -= 1
  if (end < 0) throw new Error('not a zip archive')

  const directory = await readAt(handle, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12))
  /** @type {Entry[]} */
  const entries = []
  let at = 0
  for (let left = tail.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (directory.readUInt32LE(at) !== entrySignature) throw new Error('damaged zip directory')
    const method = directory.readUInt16LE(at + 10)
    if (method !== 0 && method !== 8) throw new Error(`unknown zip method ${method}`)
    const nameLength = directory.readUInt16LE(at + 28)
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      isDeflated: method === 8,
      packedBytes: directory.readUInt32LE(at + 20),
      localOffset: directory.readUInt32LE(at + 42),
      mode: directory.readUInt32LE(at + 38) >>> 16,
    })
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

/**
 * @param {fs.promises.FileHandle} handle
 * @param {string} archive
 * @param {Entry} entry
 * @param {string} target
 */
async function writeEntry(handle, archive, entry, target) {
  const local = await readAt(handle, entry.localOffset, 30)
  if (local.readUInt32LE(0) !== localSignature) throw new Error(`damaged zip entry ${entry.name}`)
  const start = entry.localOffset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)

  if ((entry.mode & 0xf000) === symlinkType) {
    await fs.promises.symlink((await readAt(handle, start, entry.packedBytes)).toString('utf8'), target)
    return
  }
  const mode = entry.mode & 0o777 || 0o644
  if (entry.packedBytes === 0) {
    await fs.promises.writeFile(target, '', { mode })
    return
  }
  const source = fs.createReadStream(archive, { start, end: start + entry.packedBytes - 1 })
  const sink = fs.createWriteStream(target, { mode })
  await (entry.isDeflated ? pipeline(source, createInflateRaw(), sink) : pipeline(source, sink))
}

/**
 * @param {fs.promises.FileHandle} handle
 * @param {number} position
 * @param {number} length
 */
async function readAt(handle, position, length) {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await handle.read(buffer, 0, length, position)
  if (bytesRead !== length) throw new Error('the zip archive ends too early')
  return buffer
}
