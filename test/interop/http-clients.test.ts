import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode } from '../integration/http/test-node.ts'
import type { TestNode } from '../integration/http/test-node.ts'

const run = promisify(execFile)
/** A command whose arguments hold no spaces. */
const runLine = (line: string): Promise<{ stdout: string }> => {
  const [program = '', ...args] = line.split(' ')
  return run(program, args)
}
const CONTENT = randomBytes(20_000_003)
let node: TestNode
let dir: string
let url: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sower-clients-'))
  node = await startTestNode()
  url = `${node.url}/media/${(await node.add(CONTENT, { name: 'big.bin' })).mediaId}`
})
afterAll(async () => {
  await node.stop()
  await rm(dir, { recursive: true, force: true })
})

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function curl(...args: readonly string[]): Promise<{ status: number; body: Buffer; headers: string }> {
  const [bodyFile, headerFile] = [join(dir, 'body'), join(dir, 'headers')]
  await rm(bodyFile, { force: true })
  const { stdout } = await run('curl', [
    '-sS',
    '-o',
    bodyFile,
    '-D',
    headerFile,
    '-w',
    '%{http_code}',
    ...args,
  ])
  const body = await readFile(bodyFile).catch(() => Buffer.alloc(0))
  return { status: Number(stdout), body, headers: (await readFile(headerFile, 'latin1')).toLowerCase() }
}

describe('curl', () => {
  it.each([
    ['the first byte', '0-0', 0, 1],
    ['a suffix', '-500', CONTENT.length - 500, CONTENT.length],
    ['an open end', '20000000-', 20_000_000, CONTENT.length],
    ['past the end', '19999999-99999999', 19_999_999, CONTENT.length],
  ])('gets %s', async (_what, range, start, end) => {
    const { status, body, headers } = await curl('-r', range, url)
    expect(status).toBe(206)
    expect(headers).toContain(`content-range: bytes ${start}-${end - 1}/${CONTENT.length}\r\n`)
    expect(body.equals(CONTENT.subarray(start, end))).toBe(true)
  })

  it('gets everything for several ranges', async () => {
    const { status, body } = await curl('-r', '0-0,100-200', url)
    expect(status).toBe(200)
    expect(body.equals(CONTENT)).toBe(true)
  })

  it('is told the size when it asks beyond the end', async () => {
    const { status, headers } = await curl('-r', `${CONTENT.length}-`, url)
    expect(status).toBe(416)
    expect(headers).toContain(`content-range: bytes */${CONTENT.length}\r\n`)
  })

  it('goes on where it was cut off, if the bytes are the same (If-Range)', async () => {
    const etag = /^etag: (.*)\r$/m.exec((await curl('-I', url)).headers)?.[1] ?? ''
    expect((await curl('-r', '5-9', '-H', `If-Range: ${etag}`, url)).status).toBe(206)
    expect((await curl('-r', '5-9', '-H', 'If-Range: "another"', url)).status).toBe(200)
    const half = join(dir, 'half')
    await writeFile(half, CONTENT.subarray(0, 7_000_000))
    await run('curl', ['-sS', '-C', '-', '-o', half, url])
    expect((await readFile(half)).equals(CONTENT)).toBe(true)
  })

  it('keeps what it has (--etag-compare)', async () => {
    const etagFile = join(dir, 'etag')
    await curl('--etag-save', etagFile, url)
    expect((await curl('--etag-compare', etagFile, url)).status).toBe(304)
  })

  it('uploads a form with fields after the file', async () => {
    const file = join(dir, 'laulu – ä.bin')
    const bytes = randomBytes(3_000_000)
    await writeFile(file, bytes)
    const { status, body } = await curl(
      '-H',
      `Authorization: Bearer ${node.ownerToken}`,
      '-F',
      `file=@${file}`,
      '-F',
      'access_level=public',
      '-F',
      'publishTo[ipfs]=false',
      `${node.url}/api/media/upload`,
    )
    expect(status).toBe(201)
    expect(JSON.parse(body.toString())).toMatchObject({
      mediaId: sha256(bytes),
      originalName: 'laulu – ä.bin',
      access_level: 'public',
    })
    expect(sha256((await curl(`${node.url}/media/${sha256(bytes)}`)).body)).toBe(sha256(bytes))
  })
})

describe('aria2c', () => {
  it('gets a file over eight connections', async () => {
    const args = [
      '-q',
      '-x8',
      '-s8',
      '-k1M',
      '--no-conf',
      '--file-allocation=none',
      '-d',
      dir,
      '-o',
      'aria',
      url,
    ]
    await run('aria2c', args)
    expect(sha256(await readFile(join(dir, 'aria')))).toBe(sha256(CONTENT))
  })
})

describe('ffmpeg', () => {
  it('reads a video and seeks in it', async () => {
    const file = join(dir, 'film.mp4')
    // The index at the end of the file, where a player must seek for it.
    const picture = 'testsrc2=size=640x360:rate=25:duration=60'
    const sound = 'sine=frequency=440:duration=60'
    const codecs = '-c:v mpeg4 -b:v 2M -g 50 -c:a aac'
    await runLine(`ffmpeg -v error -f lavfi -i ${picture} -f lavfi -i ${sound} ${codecs} ${file}`)
    const film = await readFile(file)
    const { mediaId } = await node.add(film, { name: 'film.mp4' })
    const filmUrl = `${node.url}/media/${mediaId}`
    expect((await curl('-I', filmUrl)).headers).toContain('content-type: video/mp4\r\n')

    const entries = 'format=duration:stream=codec_type'
    const probe = await runLine(`ffprobe -v error -show_entries ${entries} -of json ${filmUrl}`)
    const { format, streams } = JSON.parse(probe.stdout) as {
      format: { duration: string }
      streams: { codec_type: string }[]
    }
    expect(Number(format.duration)).toBeCloseTo(60, 0)
    expect(streams.map(({ codec_type: type }) => type)).toEqual(['video', 'audio'])

    for (const second of ['0', '17.4', '59', '31.2']) {
      const frame = async (source: string): Promise<string> => {
        const { stdout } = await runLine(`ffmpeg -v error -ss ${second} -i ${source} -frames:v 1 -f md5 -`)
        return stdout
      }
      expect(await frame(filmUrl), second).toBe(await frame(file))
    }
    expect(sha256((await curl(filmUrl)).body)).toBe(mediaId)
  })
})
