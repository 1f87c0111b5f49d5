import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLibrary } from '../../integration/library/fixture.ts'
import { buildShim, readCalls, runWithFaults } from '../shim/file-faults.ts'
import type { ChildResult } from '../shim/file-faults.ts'

const script = fileURLToPath(new URL('add-items.ts', import.meta.url))
const texts = ['first item', 'second item']
const ENOSPC = 28
const EIO = 5

let dir: string
let shim: string

beforeAll(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-crash-'))
  shim = await buildShim(dir)
})
afterAll(async () => {
  await fs.rm(dir, { recursive: true, force: true })
})

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
/** What the child was told is done. */
const addedOf = ({ stdout }: Pick<ChildResult, 'stdout'>): string[] =>
  [...stdout.matchAll(/^added (.*)$/gm)].map((match) => sha256(match[1] ?? ''))

/**
 * Opens what a dead process left and checks it from the disk up, sharing no code with what wrote it: everything that
 * is listed is whole, everything that was reported is listed, nothing else is there.
 */
async function inspect(root: string, reported: readonly string[], context: string): Promise<void> {
  const media = path.join(root, 'media')
  const node = await openLibrary({ dataDir: path.join(root, 'data'), mediaDir: media })
  try {
    await node.library.verified()
    const listed = node.library.list({ limit: 500 }).rows
    const trashed = [
      ...node.db.sql.prepare('SELECT media_id FROM items WHERE trashed_at_ms IS NOT NULL').pluck().all(),
    ]
    const ids = [...listed.map(({ mediaId }) => String(mediaId)), ...trashed.map(String)]
    expect(
      reported.filter((id) => !ids.includes(id)),
      `reported but absent, ${context}`,
    ).toEqual([])
    for (const row of listed) {
      const at = (name: string): string => path.join(media, row.mediaId, name)
      expect(row.fileState, context).toBe('ok')
      expect(sha256(await fs.readFile(at('original'))), context).toBe(row.mediaId)
      const manifest = JSON.parse(await fs.readFile(at('manifest.json'), 'utf8')) as {
        id: string
        version: number
        name: string
      }
      expect(manifest, context).toMatchObject({
        id: row.mediaId,
        version: row.manifestVersion,
        name: row.name,
      })
      for (let version = 1; version <= manifest.version; version++) {
        const kept = JSON.parse(await fs.readFile(at(`manifests/${version}.json`), 'utf8')) as {
          version: number
        }
        expect(kept.version, context).toBe(version)
      }
      expect(await fs.readFile(at('media.torrent'), 'utf8'), context).toContain(row.infoHash)
      expect(node.library.outbox.pending(row.mediaId), context).toMatchObject([{ step: 'seed' }])
    }
    const folders = (await fs.readdir(media)).filter((name) => /^[0-9a-f]{64}/.test(name))
    expect(folders.toSorted(), context).toEqual(listed.map(({ mediaId }) => String(mediaId)).toSorted())
    const inTrash = await fs.readdir(path.join(media, '.trash'))
    expect(inTrash.toSorted(), context).toEqual(trashed.map(String).toSorted())
    expect(await fs.readdir(path.join(media, '.incoming')), context).toEqual([])
    expect(await fs.readdir(media), context).not.toContain('.damaged')
    expect(node.notices, context).toEqual([])
    expect(node.reads, `bytes were read again, ${context}`).toEqual([])
  } finally {
    await node.close()
  }
}

/** Runs `work` for each number, a few side by side, each in a folder of its own. */
async function forEach(
  numbers: readonly number[],
  work: (n: number, root: string) => Promise<void>,
): Promise<void> {
  const queue = [...numbers]
  const worker = async (): Promise<void> => {
    for (let n = queue.shift(); n !== undefined; n = queue.shift()) {
      const root = path.join(dir, `run-${n}`)
      await fs.mkdir(root)
      await work(n, root)
      await fs.rm(root, { recursive: true })
    }
  }
  await Promise.all(Array.from({ length: 3 }, worker))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)

/** Their numbers; of a row of equal ones (a page of the database after the other) only the first and the last. */
const pointsOf = (calls: readonly string[]): number[] =>
  upTo(calls.length).filter((n) => calls[n - 1] !== calls[n - 2] || calls[n - 1] !== calls[n])

/** The calls an undisturbed run makes. */
async function callsOf(ops?: Parameters<typeof runWithFaults>[1]['ops']): Promise<string[]> {
  const root = path.join(dir, 'undisturbed')
  await fs.mkdir(root)
  const log = path.join(dir, 'calls')
  const result = await runWithFaults(shim, { dir: root, log, ...(ops === undefined ? {} : { ops }) }, [
    script,
    root,
    ...texts,
  ])
  expect(result, result.stderr).toMatchObject({ code: 0 })
  expect(addedOf(result)).toEqual(texts.map(sha256))
  await inspect(root, addedOf(result), 'undisturbed')
  await fs.rm(root, { recursive: true })
  return readCalls(log)
}

describe('a node that dies or meets a failing disk', () => {
  it('is absent or complete after SIGKILL at any file call', async () => {
    const calls = await callsOf()
    // The shim sees Node's own calls and those of the native database alike; otherwise this proves nothing.
    expect(calls.some((call) => /^write \/data\/sower\.db-wal$/.test(call))).toBe(true)
    expect(calls.some((call) => /^rename \/media\/\.incoming\/job-\w+$/.test(call))).toBe(true)
    let killed = 0
    await forEach(pointsOf(calls), async (at, root) => {
      const result = await runWithFaults(shim, { dir: root, at }, [script, root, ...texts])
      if (result.code === null) killed += 1
      await inspect(root, addedOf(result), `killed at call ${at}: ${calls[at - 1]}`)
    })
    expect(killed).toBeGreaterThan(pointsOf(calls).length - 5)
  })

  it.each([
    ['a full disk', ENOSPC, ['write', 'mkdir', 'truncate'], /^refused DISK_FULL/],
    ['a failing disk', EIO, ['sync'], /^refused (UNAVAILABLE|DISK_FULL)/],
  ] as const)(
    'reports %s at any call in plain words and stays whole',
    async (_what, errno, ops, expected) => {
      const calls = await callsOf(ops)
      let refused = 0
      await forEach(pointsOf(calls), async (at, root) => {
        const context = `errno ${errno} at call ${at}: ${calls[at - 1]}`
        const result = await runWithFaults(shim, { dir: root, at, errno, ops }, [script, root, ...texts])
        for (const line of result.stdout.split('\n').filter((text) => text.startsWith('refused'))) {
          refused += 1
          expect(line, context).toMatch(expected)
        }
        // Before the library is open the process may end, with the sentence of an expected failure.
        if (result.code !== 0) expect(result.stderr, context).toMatch(/AppError|code: '[A-Z_]+'/)
        await inspect(root, addedOf(result), context)
      })
      expect(refused).toBeGreaterThan(5)
    },
  )

  it('survives SIGKILL at random moments, many times over in the same folder', async () => {
    const root = path.join(dir, 'random')
    await fs.mkdir(root)
    const reported = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const names = upTo(200).map((n) => `round ${round} item ${n}`)
      const child = spawn(process.execPath, [script, root, ...names], {
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      let stdout = ''
      const delayMs = Math.random() * 150
      const ended = new Promise((resolve) => child.on('close', resolve))
      child.stdout.on('data', (chunk: Buffer) => {
        if (stdout === '') setTimeout(() => child.kill('SIGKILL'), delayMs)
        stdout += chunk.toString()
      })
      await ended
      for (const id of addedOf({ stdout })) reported.add(id)
      await inspect(root, [...reported], `killed ${delayMs} ms after the first add of round ${round}`)
    }
    expect(reported.size).toBeGreaterThan(12)
  })
})
