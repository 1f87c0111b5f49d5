import { AppError } from '../contract/index.ts'
import { contentDisposition } from './content-disposition.ts'
import { HttpProblem } from './exchange.ts'
import type { ResponseHeaders } from './exchange.ts'
import { servedAs } from './media-type.ts'

/** Enough for a browser's own image and video viewer, nothing that runs. */
const INLINE_POLICY =
  "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
const DOWNLOAD_POLICY = "sandbox; default-src 'none'"

/** Of every answer with media; `etag` with its quotes. */
export function cacheHeaders(etag: string, isPublic: boolean): ResponseHeaders {
  return {
    etag,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(isPublic
      ? {
          'cache-control': 'public, max-age=31536000, immutable',
          'access-control-allow-origin': '*',
          'access-control-expose-headers':
            'Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag',
          'cross-origin-resource-policy': 'cross-origin',
        }
      : { 'cache-control': 'private, no-store', 'cross-origin-resource-policy': 'same-origin' }),
  }
}

/** Type, name and what may run inside (nothing); `fallback` is its name when it has none that can be used. */
export function typeHeaders(
  { name, mime }: { readonly name: string; readonly mime: string },
  fallback: string,
): ResponseHeaders {
  const { contentType, disposition } = servedAs(mime)
  return {
    'content-type': contentType,
    'content-disposition': contentDisposition(disposition, name, fallback),
    'content-security-policy': disposition === 'inline' ? INLINE_POLICY : DOWNLOAD_POLICY,
  }
}

export function rangeNotSatisfiable(sizeBytes: number): HttpProblem {
  return new HttpProblem(
    new AppError(
      'RANGE_NOT_SATISFIABLE',
      `These media have ${sizeBytes} bytes; the range asked for lies outside.`,
    ),
    { headers: { 'content-range': `bytes */${sizeBytes}`, 'accept-ranges': 'bytes' } },
  )
}
