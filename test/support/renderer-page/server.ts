import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, extname, normalize } from 'node:path'
import { promisify } from 'node:util'
import react from '@vitejs/plugin-react'
import { build } from 'vite'
import type { FakeOptions } from '../fake-bridge.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
}

/** The window's own policy, with this server in the place of its two schemes. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

export interface RendererServer {
  readonly origin: string
  url(options: FakeOptions, extra?: string): string
  close(): Promise<void>
}

/** Builds the real renderer over the fake bridge and serves it under the window's content policy. */
export async function serveRenderer(): Promise<RendererServer> {
  const dir = await mkdtemp(join(tmpdir(), 'sower-renderer-'))
  const out = join(dir, 'out')
  await build({
    root: import.meta.dirname,
    configFile: false,
    base: './',
    logLevel: 'error',
    plugins: [react()],
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'chrome130',
      assetsInlineLimit: 0,
      modulePreload: false,
    },
  })
  const media = join(dir, 'media')
  await mkdir(media)
  await makeMedia(media)

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/favicon.ico') return void response.writeHead(204).end()
    const isMedia = pathname.startsWith('/media/')
    const relative = normalize(pathname === '/' ? 'index.html' : pathname).replace(/^(\.\.[/\\])+/, '')
    const path = join(isMedia ? dir : out, relative)
    void stat(path).then(
      ({ size }) => {
        const type = isMedia ? pathname.slice('/media/'.length).replace('-', '/') : TYPES[extname(path)]
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
        const start = Number(range?.[1] ?? 0)
        const end = range?.[2] === undefined || range[2] === '' ? size - 1 : Number(range[2])
        response.writeHead(range === null ? 200 : 206, {
          'content-type': type ?? 'application/octet-stream',
          'content-length': end - start + 1,
          'accept-ranges': 'bytes',
          'content-security-policy': CSP,
          ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
        })
        createReadStream(path, { start, end }).pipe(response)
      },
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const origin = `http://127.0.0.1:${address.port}`
  return {
    origin,
    url: (options, extra = '') => `${origin}/?options=${encodeURIComponent(JSON.stringify(options))}${extra}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const run = promisify(execFile)

/** Small real media, named by their type: a video with sound, pictures, a song, and a video no browser decodes. */
async function makeMedia(dir: string): Promise<void> {
  const ffmpeg = (...args: string[]) => run('ffmpeg', ['-v', 'error', '-y', ...args])
  const picture = [
    '-f',
    'lavfi',
    '-i',
    'gradients=s=960x540:c0=#24452b:c1=#d9b26a:x0=0:y0=0:x1=900:y1=500:d=3:speed=0.02,format=yuv420p',
  ]
  await Promise.all([
    ffmpeg(
      ...picture,
      ...'-f lavfi -i sine=frequency=220:duration=3 -t 3 -c:v libvpx -b:v 400k -c:a libopus -f webm'.split(
        ' ',
      ),
      join(dir, 'video-webm'),
    ),
    ffmpeg(...picture, '-t', '1', '-c:v', 'mpeg4', '-f', 'mp4', join(dir, 'video-mp4')),
    ffmpeg(...picture, '-frames:v', '1', '-f', 'image2', '-c:v', 'png', join(dir, 'image-png')),
    ffmpeg(...picture, '-frames:v', '1', '-f', 'image2', '-c:v', 'mjpeg', join(dir, 'image-jpeg')),
    ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=330:duration=2', '-f', 'flac', join(dir, 'audio-flac')),
  ])
}
