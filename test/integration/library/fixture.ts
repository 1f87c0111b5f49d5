import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Notice } from '../../../app/contract/index.ts'
import { Library, MediaFolder, openDatabase } from '../../../app/library/index.ts'
import type { Db, ItemRow, MetainfoTools } from '../../../app/library/index.ts'
import { buildManifest, signManifest } from '../../../app/manifest/index.ts'
import type { Manifest, OwnerSigner } from '../../../app/manifest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'

const secret = createHash('sha256').update('library tests').digest()
/** A wallet of its own for these tests. */
export const signer: OwnerSigner = {
  publicKey: Buffer.from(secp256k1.getPublicKey(secret)).toString('hex'),
  sign: (hash32) => secp256k1.sign(hash32, secret, { prehash: false, lowS: true }),
}

export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
const fakeInfoHash = (mediaId: string): string => createHash('sha1').update(mediaId).digest('hex')

/**
 * Metainfo as the library sees it: opaque bytes, checked and made by somebody else. Here a line of text that names the
 * info hash; the real one belongs to seeding.
 */
export const metainfoTools: MetainfoTools = {
  check: (metainfo) => {
    const infoHash = /^torrent of ([0-9a-f]{40})\n$/.exec(Buffer.from(metainfo).toString())?.[1]
    if (infoHash === undefined) throw new Error('no metainfo')
    return { infoHash }
  },
  make: async ({ path: file }) =>
    Buffer.from(`torrent of ${fakeInfoHash(sha256(await fs.readFile(file)))}\n`),
}

export interface ItemInput {
  readonly data: Uint8Array | string
  readonly name?: string
  readonly accessLevel?: 'public' | 'private'
  readonly jobId?: string
  readonly isSeedingWanted?: boolean
  readonly isOwn?: boolean
}

export function manifestFor(
  input: ItemInput,
  previous?: Manifest,
): { manifest: Manifest; metainfo?: Uint8Array } {
  const data = Buffer.from(input.data)
  const mediaId = sha256(data)
  const accessLevel = input.accessLevel ?? 'public'
  const infoHash = fakeInfoHash(mediaId)
  const magnetURI = `magnet:?xt=urn:btih:${infoHash}`
  const manifest = signManifest(
    buildManifest({
      mediaId,
      sizeBytes: data.length,
      mime: 'text/plain',
      name: input.name ?? 'a file.txt',
      createdAt: '2026-01-02T03:04:05.000Z',
      accessLevel,
      owner: signer.publicKey,
      ...(accessLevel === 'public'
        ? { bittorrent: { magnetURI, infoHash, trackers: [], pieceLength: 65_536 } }
        : {}),
      previous,
    }),
    signer,
  )
  return accessLevel === 'public'
    ? { manifest, metainfo: Buffer.from(`torrent of ${infoHash}\n`) }
    : { manifest }
}

export interface Home {
  readonly root: string
  readonly dataDir: string
  readonly mediaDir: string
  readonly remove: () => Promise<void>
}

export async function makeHome(): Promise<Home> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-library-'))
  return {
    root,
    dataDir: path.join(root, 'data'),
    mediaDir: path.join(root, 'media'),
    remove: () => fs.rm(root, { recursive: true, force: true }),
  }
}

export interface Opened {
  readonly db: Db
  readonly folder: MediaFolder
  readonly library: Library
  readonly notices: Notice[]
  /** Paths whose bytes were read, in order. */
  readonly reads: string[]
  readonly add: (input: ItemInput) => Promise<{ row: ItemRow; isDuplicate: boolean }>
  readonly close: () => Promise<void>
}

export async function openLibrary(
  { dataDir, mediaDir }: Pick<Home, 'dataDir' | 'mediaDir'>,
  overrides: {
    readonly nowMs?: () => number
    readonly verifyBytes?: (file: string, signal: AbortSignal) => Promise<string>
    readonly pollIntervalMs?: number
    readonly reserveBytes?: number
    readonly hasMetainfoTools?: boolean
  } = {},
): Promise<Opened> {
  const clock = { nowMs: overrides.nowMs ?? (() => Date.now()) }
  const log = silentLog
  const reads: string[] = []
  const notices: Notice[] = []
  const db = openDatabase(path.join(dataDir, 'sower.db'), { log, clock })
  const folder = new MediaFolder({
    dir: mediaDir,
    log,
    clock,
    pollIntervalMs: overrides.pollIntervalMs ?? 50,
    reserveBytes: overrides.reserveBytes ?? 0,
  })
  const library = new Library({
    db,
    folder,
    clock,
    log,
    owner: () => signer.publicKey,
    verifyBytes: async (file, signal) => {
      reads.push(file)
      if (overrides.verifyBytes !== undefined) return overrides.verifyBytes(file, signal)
      return sha256(await fs.readFile(file))
    },
    ...(overrides.hasMetainfoTools === false ? {} : { metainfo: metainfoTools }),
  })
  library.onNotice((notice) => notices.push(notice))
  try {
    await library.start()
  } catch (error) {
    await library.stop()
    db.close()
    throw error
  }
  return {
    db,
    folder,
    library,
    notices,
    reads,
    add: async (input) => {
      const { manifest, metainfo } = manifestFor(input)
      const staging = await folder.stage(input.jobId ?? `job-${manifest.id.slice(0, 16)}`)
      await fs.writeFile(staging.bytes, input.data)
      return library.commit({
        staging,
        mediaId: manifest.id,
        manifest,
        metainfo,
        isOwn: input.isOwn ?? true,
        isSeedingWanted: input.isSeedingWanted ?? true,
      })
    },
    close: async () => {
      await library.stop()
      db.close()
    },
  }
}

/** Waits for `isTrue` on the library's own change events; gives up with the test's time. */
export async function until(library: Library, isTrue: () => boolean): Promise<void> {
  if (isTrue()) return
  await new Promise<void>((resolve) => {
    const off = library.onChange(() => {
      if (!isTrue()) return
      off()
      resolve()
    })
  })
}

/** Every path below `dir`, relative, sorted. */
export async function tree(dir: string): Promise<string[]> {
  const names = await fs.readdir(dir, { recursive: true })
  return names.toSorted()
}
