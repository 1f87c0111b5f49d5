import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { mediaNotFound } from './media-gate.ts'
import { send } from './exchange.ts'
import type { Exchange } from './exchange.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

/** The page runs its own scripts and styles, talks to this listener, and nothing else. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** The built web page. Its files are listed once; a request can name one of them or nothing. */
export class PageFiles {
  readonly #root: string
  #files: ReadonlyMap<string, string> = new Map()

  constructor(root: string) {
    this.#root = root
  }

  /** Lists the files; a folder that is not there is an empty page. */
  async start(): Promise<void> {
    const files = new Map<string, string>()
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      files.set(`/${relative(this.#root, path).split(sep).join('/')}`, path)
    }
    this.#files = files
  }

  /** @throws {AppError} `NOT_FOUND` */
  async answer(exchange: Exchange): Promise<void> {
    const path = this.#files.get(exchange.path === '/' ? '/index.html' : exchange.path)
    if (path === undefined) throw mediaNotFound()
    send(exchange, 200, CONTENT_TYPES[extname(path)] ?? 'application/octet-stream', await readFile(path), {
      'content-security-policy': PAGE_POLICY,
      'cross-origin-opener-policy': 'same-origin',
    })
  }
}
