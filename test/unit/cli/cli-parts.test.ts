import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EngineEventName, Transfer } from '../../../app/contract/index.ts'
import type { NodeConnection } from '../../../app/cli/connection.ts'
import { checkTarget, copyOut, targetFor } from '../../../app/cli/copy-out.ts'
import { copiesText } from '../../../app/cli/discovery-commands.ts'
import { formatBytes, formatDuration, formatProgress, formatTable } from '../../../app/cli/format.ts'
import { HttpNode } from '../../../app/cli/http-node.ts'
import { findRunningNode } from '../../../app/cli/node-file.ts'
import { printable } from '../../../app/cli/terminal.ts'
import { transferError, waitForTransfers } from '../../../app/cli/transfers.ts'
import { fakeTransfer } from '../../support/fake-transfer.ts'

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sower-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

const transfer = (overrides: Partial<Transfer> = {}): Transfer =>
  fakeTransfer({ kind: 'get', name: 'a.mp4', stage: 'download', ...overrides })

describe('what people read', () => {
  it('says who speaks of how many copies, and how old that is', () => {
    const nowMs = 10_000_000
    expect(copiesText({ presence: 0 }, nowMs)).toBe('?')
    expect(copiesText({ presence: 0, presenceAtMs: nowMs - 5000 }, nowMs)).toBe('0 nodes (5s ago)')
    expect(
      copiesText(
        { presence: 1, presenceAtMs: nowMs - 5000, swarm: 4, swarmAtMs: nowMs - 2 * 3_600_000 },
        nowMs,
      ),
    ).toBe('1 node (5s ago), 4 in swarm (2h 0m ago)')
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [1_536_000, '1.5 MB'],
    [99_960_000, '100 MB'],
    [999_999, '1.0 MB'],
    [64 * 1024 ** 3, '68.7 GB'],
    [Number.MAX_SAFE_INTEGER, '9.0 PB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [95_000, '1m 35s'],
    [7_260_000, '2h 1m'],
    [-5, '0s'],
  ])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('progress is stage, share, rate and time left', () => {
    const running = transfer({ bytesDone: 25_000_000, bytesTotal: 100_000_000, rateBytesPerSec: 5_000_000 })
    expect(formatProgress([running])).toBe('a.mp4 · downloading · 25 % of 100 MB · 5.0 MB/s · 15s left')
    expect(formatProgress([transfer({ stage: 'find' })])).toBe('a.mp4 · looking for sources · 0 B')
    expect(formatProgress([transfer({ state: 'done' }), { ...running, id: 't2' }])).toBe(
      '1 of 2 · downloading · 25.0 MB · 5.0 MB/s',
    )
    expect(formatProgress([transfer({ state: 'done' })])).toBe('')
  })

  it('names of strangers can’t steer the terminal', () => {
    expect(printable('a\u001b[2Jb\rc\u202ed\u0007\nnext')).toBe('a\uFFFD[2Jb\uFFFDc\uFFFDd\uFFFD\nnext')
    expect(formatTable([['id', '\u001b]0;x\u0007']])).toBe('id  \uFFFD]0;x\uFFFD')
  })

  it('a table has columns', () => {
    expect(
      formatTable([
        ['ID', 'NAME'],
        ['abcdef', 'x'],
        ['a', ''],
      ]),
    ).toBe('ID      NAME\nabcdef  x\na')
  })
})

describe('writing a copy', () => {
  const data = Buffer.from('the bytes')
  const sha256 = createHash('sha256').update(data).digest('hex')
  const setUp = () => {
    const folder = makeFolder()
    const source = join(folder, 'source')
    writeFileSync(source, data)
    const copy = (target: string, more: object = {}): Promise<void> =>
      copyOut({ source, target, sha256, isForced: false, signal: new AbortController().signal, ...more })
    return { folder, target: join(folder, 'target'), copy }
  }

  it('gives a name only to what is whole and right', async () => {
    const { folder, target, copy } = setUp()
    await expect(copy(target, { sha256: '0'.repeat(64) })).rejects.toMatchObject({ code: 'HASH_MISMATCH' })
    await expect(copy(target, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(readdirSync(folder)).toEqual(['source'])
    await copy(target)
    expect(readFileSync(target)).toEqual(data)
    expect(readdirSync(folder)).toEqual(['source', 'target'])
  })

  it('replaces nothing unless it is told to', async () => {
    const { target, copy } = setUp()
    writeFileSync(target, 'mine')
    await expect(copy(target)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(readFileSync(target, 'utf8')).toBe('mine')
    await copy(target, { isForced: true })
    expect(readFileSync(target)).toEqual(data)
  })

  it('says when the place is no good', async () => {
    const { folder, copy } = setUp()
    await expect(copy(join(folder, 'no', 'such'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(() => checkTarget(join(folder, 'no', 'such'), false)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
    expect(() => checkTarget(join(folder, 'source'), false)).toThrow(
      expect.objectContaining({ code: 'CONFLICT' }),
    )
    checkTarget(join(folder, 'source'), true)
    checkTarget(folder, false)
  })

  it.each([
    ['film.mp4', 'film.mp4'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['a/b\\c:d', 'a_b_c_d'],
    ['..', 'media'],
    ['', 'media'],
    ['x\ny\u202e', 'x_y_'],
  ])('a folder gets %j as %j', (name, expected) => {
    const folder = makeFolder()
    expect(targetFor(folder, name)).toBe(join(folder, expected))
    expect(targetFor(join(folder, 'named'), name)).toBe(join(folder, 'named'))
  })
})

describe('finding the running node', () => {
  const write = (pid: number, more: object = {}): string => {
    const folder = makeFolder()
    writeFileSync(
      join(folder, 'node.json'),
      JSON.stringify({
        pid,
        url: 'http://127.0.0.1:1',
        controlUrl: 'http://127.0.0.1:2',
        peerPort: 3,
        ...more,
      }),
    )
    writeFileSync(join(folder, 'control.token'), 'secret\n')
    return folder
  }

  it('reads its files', () => {
    expect(findRunningNode(write(process.pid))).toEqual({
      pid: process.pid,
      controlUrl: 'http://127.0.0.1:2',
      controlToken: 'secret',
    })
  })

  it('finds none when there are none, when the process is gone, or when they are damaged', () => {
    expect(findRunningNode(makeFolder())).toBeUndefined()
    expect(findRunningNode(write(2 ** 22 + 1))).toBeUndefined()
    const damaged = write(process.pid)
    writeFileSync(join(damaged, 'node.json'), '{"pid":')
    expect(findRunningNode(damaged)).toBeUndefined()
  })

  it('sends the token to this computer only', () => {
    expect(findRunningNode(write(process.pid, { controlUrl: 'http://evil.example:80' }))).toBeUndefined()
    expect(findRunningNode(write(process.pid, { controlUrl: 'https://127.0.0.1:2' }))).toBeUndefined()
  })
})

describe('a node in another process', () => {
  const serve = async (status: number, body: string): Promise<HttpNode> => {
    const server = createServer((_request, response) => response.writeHead(status).end(body)).listen(
      0,
      '127.0.0.1',
    )
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return new HttpNode({ pid: 1, controlUrl: `http://127.0.0.1:${port}`, controlToken: 't' })
  }

  it.each([
    [
      'an error of the contract',
      404,
      JSON.stringify({ ok: false, error: { code: 'NOT_FOUND', message: 'No.' } }),
      'NOT_FOUND',
    ],
    [
      'a problem of a guard',
      401,
      JSON.stringify({ title: 'T', detail: 'D', code: 'UNAUTHORIZED' }),
      'UNAUTHORIZED',
    ],
    [
      'a code of another version',
      400,
      JSON.stringify({ ok: false, error: { code: 'NEW_ONE', message: 'M' } }),
      'INTERNAL',
    ],
    ['a page', 200, '<html>', 'INTERNAL'],
    ['something else', 200, '[]', 'INTERNAL'],
  ])('hands on %s', async (_name, status, body, code) => {
    const node = await serve(status, body)
    await expect(node.call('node.status', {})).rejects.toMatchObject({ code })
  })

  it('that is gone is said to be gone', async () => {
    const node = new HttpNode({ pid: 1, controlUrl: 'http://127.0.0.1:1', controlToken: 't' })
    await expect(node.call('node.status', {})).rejects.toMatchObject({ code: 'NODE_NOT_RUNNING' })
  })
})

describe('waiting for transfers', () => {
  /** A node that only knows transfers. */
  class TransferNode implements NodeConnection {
    readonly isRunning = true
    transfers: Transfer[] = []
    listener: ((payload: { transfers: Transfer[] }) => void) | undefined

    call(): Promise<never> {
      return Promise.resolve({ transfers: this.transfers } as never)
    }

    on(_name: EngineEventName, listener: (payload: never) => void): () => void {
      this.listener = listener as never
      return () => (this.listener = undefined)
    }

    close(): Promise<void> {
      return Promise.resolve()
    }
  }
  const signal = new AbortController().signal

  it('ends with the last one, in the order asked for', async () => {
    const node = new TransferNode()
    node.transfers = [transfer({ id: 'b' }), transfer({ id: 'a' }), transfer({ id: 'other' })]
    const seen: number[] = []
    const waiting = waitForTransfers(node, ['a', 'b'], { signal, onProgress: (now) => seen.push(now.length) })
    await Promise.resolve()
    node.listener?.({ transfers: [transfer({ id: 'a', state: 'done' })] })
    node.listener?.({ transfers: [transfer({ id: 'b', state: 'failed' })] })
    expect((await waiting).map(({ id, state }) => `${id} ${state}`)).toEqual(['a done', 'b failed'])
    expect(seen.length).toBeGreaterThan(1)
    expect(node.listener).toBeUndefined()
  })

  it('does not need events', async () => {
    const node = new TransferNode()
    node.transfers = [transfer({ id: 'a', state: 'done' })]
    expect(await waitForTransfers(node, ['a'], { signal, onProgress: () => undefined })).toHaveLength(1)
  })

  it('ends when the transfer is taken away, or the user stops', async () => {
    const node = new TransferNode()
    await expect(
      waitForTransfers(node, ['a'], { signal, onProgress: () => undefined }),
    ).rejects.toMatchObject({ code: 'CANCELLED' })
    const aborted = { signal: AbortSignal.abort(), onProgress: () => undefined }
    await expect(waitForTransfers(node, ['a'], aborted)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('tells why one failed', () => {
    expect(transferError(transfer({ state: 'done' }))).toBeUndefined()
    expect(
      transferError(
        transfer({
          state: 'failed',
          error: { code: 'NO_SOURCES', message: 'Nobody has it.', hint: 'Wait.' },
        }),
      ),
    ).toMatchObject({ code: 'NO_SOURCES', hint: 'Wait.' })
    expect(transferError(transfer({ state: 'cancelled' }))).toMatchObject({ code: 'CANCELLED' })
    expect(
      transferError(transfer({ state: 'failed', error: { code: 'UNHEARD_OF', message: 'x' } })),
    ).toMatchObject({ code: 'INTERNAL' })
  })
})

describe('docs/cli.md', () => {
  it('names every command', async () => {
    const { buildProgram } = await import('../../../app/cli/program.ts')
    const text = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
    const names = buildProgram(new AbortController().signal).commands.map((command) => command.name())
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) expect(text).toMatch(new RegExp('`' + name + '\\b'))
  })
})
