import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { readStream } from '../../../app/ingest/read-stream.ts'
import { bytesOf, exists, makeDir, makePool, MIB, never } from './fixture.ts'

async function setUp() {
  const stagedPath = path.join(await makeDir(), 'staged')
  return { pool: makePool(), options: { stagedPath, withPieces: true, signal: never }, stagedPath }
}

function endless(): Readable {
  return Readable.from(
    (function* () {
      for (;;) yield bytesOf(MIB)
    })(),
  )
}

test('more bytes than allowed are refused without storing them', async () => {
  const { pool, options, stagedPath } = await setUp()
  for (const maxBytes of [1000, 5 * MIB]) {
    const stream = endless()
    const reading = readStream(pool, { ...options, stream, maxBytes })
    await expect(reading).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect(stream.destroyed).toBe(true)
    expect(await exists(stagedPath)).toBe(false)
  }
})

test('exactly as many bytes as allowed are stored', async () => {
  const { pool, options } = await setUp()
  const stream = Readable.from([bytesOf(2 * MIB)])
  const result = await readStream(pool, { ...options, stream, maxBytes: 2 * MIB })
  expect(result.sizeBytes).toBe(2 * MIB)
})

test('an announced size over the limit is refused at once', async () => {
  const { pool, options } = await setUp()
  const reading = readStream(pool, { ...options, stream: endless(), maxBytes: 10, sizeHint: 11 })
  await expect(reading).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
})

test('nothing at all is refused', async () => {
  const { pool, options, stagedPath } = await setUp()
  const reading = readStream(pool, { ...options, stream: Readable.from([]), name: 'void.txt' })
  await expect(reading).rejects.toMatchObject({ code: 'SOURCE_EMPTY', message: /“void.txt” is empty/ })
  expect(await exists(stagedPath)).toBe(false)
})

test('a connection that breaks leaves nothing, wherever it breaks', async () => {
  const { pool, options, stagedPath } = await setUp()
  for (const sentBytes of [0, 10, MIB, 5 * MIB + 1]) {
    const stream = new PassThrough()
    stream.write(bytesOf(sentBytes))
    const reading = readStream(pool, { ...options, stream })
    setImmediate(() => stream.destroy(new Error('aborted')))
    await expect(reading).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' })
    expect(await exists(stagedPath)).toBe(false)
  }
})

test('the reason a stream fails for is passed on when it is one for the user', async () => {
  const { pool, options } = await setUp()
  const stream = new PassThrough()
  const reading = readStream(pool, { ...options, stream })
  stream.destroy(new AppError('SOURCE_FAILED', 'The other side gave up.'))
  await expect(reading).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
})

test('an upload that is aborted while nothing arrives ends at once', async () => {
  const { pool, options, stagedPath } = await setUp()
  const abort = new AbortController()
  const stream = new PassThrough()
  stream.write(bytesOf(3 * MIB))
  const reading = readStream(pool, { ...options, stream, signal: abort.signal })
  setImmediate(() => abort.abort())
  await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(stream.destroyed).toBe(true)
  expect(await exists(stagedPath)).toBe(false)
})
