import fs from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../contract/index.ts'
import { NotAFileError, readSmall } from '../regular-file.ts'
import { canonicalJson, isEncrypted, verifyManifest } from '../manifest/index.ts'
import type { Manifest } from '../manifest/index.ts'
import { doesExist, isErrno, replaceFile, syncDir, syncFile, writeSynced } from './durable.ts'
import type { ItemPaths } from './media-folder.ts'

/** What a file looks like without reading it. */
export interface SeenFile {
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** `size:mtimeNs:inode`; equal = nothing happened to the bytes. */
  readonly identity: string
}

const MAX_MANIFEST_BYTES = 8 * 1024 * 1024
const MAX_METAINFO_BYTES = 8 * 1024 * 1024

/** `undefined` when there is no regular file (a link to one counts as none: it could point anywhere). */
export async function lookAt(file: string): Promise<SeenFile | undefined> {
  try {
    return seenFile(await fs.lstat(file, { bigint: true }))
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** The same from what `stat` or `fstat` said. */
export function seenFile(stats: {
  isFile(): boolean
  size: bigint
  mtimeNs: bigint
  mtimeMs: bigint
  ino: bigint
}): SeenFile | undefined {
  if (!stats.isFile()) return undefined
  return {
    sizeBytes: Number(stats.size),
    mtimeMs: Number(stats.mtimeMs),
    identity: `${stats.size}:${stats.mtimeNs}:${stats.ino}`,
  }
}

/** Puts manifest and metainfo beside staged bytes, gives these the name they are to have, and makes all of it survive a power cut. */
export async function completeStaging(
  dir: string,
  manifest: Manifest,
  metainfo: Uint8Array | undefined,
): Promise<void> {
  const paths = {
    bytes: path.join(dir, isEncrypted(manifest) ? 'encrypted' : 'original'),
    manifest: path.join(dir, 'manifest.json'),
    manifests: path.join(dir, 'manifests'),
    metainfo: path.join(dir, 'media.torrent'),
  }
  for (const name of await fs.readdir(dir)) {
    if (name !== 'original') await fs.rm(path.join(dir, name), { recursive: true })
  }
  const text = canonicalJson(manifest)
  await fs.rename(path.join(dir, 'original'), paths.bytes)
  await fs.mkdir(paths.manifests)
  // Nobody looks in here before the folder gets its name, so the order among these does not matter.
  const writing = [
    writeSynced(path.join(paths.manifests, `${manifest.version}.json`), text),
    writeSynced(paths.manifest, text),
    ...(metainfo === undefined ? [] : [writeSynced(paths.metainfo, metainfo)]),
    syncFile(paths.bytes),
  ]
  // All of them have ended before a failure is told: the folder is about to be removed then.
  const failed = (await Promise.allSettled(writing)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
  await Promise.all([syncDir(paths.manifests), syncDir(dir)])
}

/**
 * The newest manifest, checked.
 * @throws {AppError} `MANIFEST_INVALID`, `SIGNATURE_INVALID`; a file system error when it can't be read
 */
export async function readManifest(file: string, mediaId: string): Promise<Manifest> {
  let value: unknown
  try {
    const bytes = await readSmall(file, MAX_MANIFEST_BYTES)
    if (bytes === undefined) throw unreadable('it is too large')
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw unreadable('it is not JSON')
    if (isNoFile(error)) throw unreadable('it is not a file')
    throw error
  }
  return verifyManifest(value, { mediaId })
}

/** The newest of the kept versions that still holds; `undefined` when none does. */
export async function newestKeptManifest(paths: ItemPaths, mediaId: string): Promise<Manifest | undefined> {
  for (const version of (await keptVersions(paths)).toReversed()) {
    try {
      const manifest = await readManifest(versionFile(paths, version), mediaId)
      if (manifest.version === version) return manifest
    } catch (error) {
      if (!(error instanceof AppError) && !isErrno(error, 'ENOENT')) throw error
    }
  }
  return undefined
}

/** Writes a version that nobody has been told of yet, then makes it the newest. */
export async function writeManifestVersion(paths: ItemPaths, manifest: Manifest): Promise<void> {
  const text = canonicalJson(manifest)
  if (!(await doesExist(paths.manifests))) {
    await fs.mkdir(paths.manifests)
    await syncDir(paths.dir)
  }
  await replaceFile(versionFile(paths, manifest.version), text)
  await replaceFile(paths.manifest, text)
}

/** `null` when there is none; no bytes when it can't be one. */
export async function readMetainfo(paths: ItemPaths): Promise<Uint8Array | null> {
  try {
    // Too large to be one of ours: as good as damaged.
    return (await readSmall(paths.metainfo, MAX_METAINFO_BYTES)) ?? new Uint8Array()
  } catch (error) {
    if (isNoFile(error)) return new Uint8Array()
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

export function versionFile(paths: ItemPaths, version: number): string {
  return path.join(paths.manifests, `${version}.json`)
}

async function keptVersions(paths: ItemPaths): Promise<number[]> {
  let names: string[]
  try {
    names = await fs.readdir(paths.manifests)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
  return names
    .map((name) => /^([1-9]\d{0,8})\.json$/.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .toSorted((a, b) => a - b)
}

/** A folder, a pipe, a socket, a device, or a link that leads nowhere but to itself. */
function isNoFile(error: unknown): boolean {
  return error instanceof NotAFileError || isErrno(error, 'ELOOP', 'ENXIO')
}

function unreadable(because: string): AppError {
  return new AppError('MANIFEST_INVALID', `This manifest cannot be read: ${because}.`)
}
