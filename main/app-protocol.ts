import { readFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { CONTENT_SECURITY_POLICY } from './security-rules.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

/** Every file of the built page by its URL path; made once, so that no request can name any other file (checklist 18). */
export function listPageFiles(root: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(`/${relative(root, path).split(sep).join('/')}`, path)
  }
  return files
}

/** Answers `sower://app/…` from the allow-list; anything else is 404. */
export function createAppProtocol(root: string): (request: { readonly url: string }) => Promise<Response> {
  const files = listPageFiles(root)
  return async ({ url }) => {
    const { host, pathname } = new URL(url)
    const path = files.get(pathname === '/' ? '/index.html' : pathname)
    if (host !== 'app' || path === undefined) return new Response(null, { status: 404 })
    return new Response(new Uint8Array(await readFile(path)), {
      headers: {
        'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
      },
    })
  }
}
