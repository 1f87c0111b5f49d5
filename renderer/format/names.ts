/**
 * A file name as it may be drawn: control characters (newlines too) become visible pictures, bidi overrides that
 * would disguise an extension are dropped. The caller still wraps it in `<bdi>`.
 */
export function displayName(name: string): string {
  return (
    name
      // oxlint-disable-next-line no-control-regex -- control characters are what this makes visible
      .replace(/[\u0000-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
      .replace(/\u007f/g, '\u2421')
      .replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g, '')
  )
}

/** Head and tail of a long identifier: `3f9a81c2…77d0`. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`
}

/** What kind of thing a file is, for its picture and colour. */
export type MediaKind = 'video' | 'audio' | 'image' | 'text' | 'archive' | 'file'

const ARCHIVES = /zip|x-tar|gzip|x-7z|rar|zstd|x-xz|bzip/

export function mediaKind(mime: string): MediaKind {
  const [top = '', sub = ''] = mime.split('/')
  if (top === 'video' || top === 'audio' || top === 'image' || top === 'text') return top
  if (ARCHIVES.test(sub)) return 'archive'
  if (sub === 'pdf' || sub.includes('document') || sub === 'epub+zip' || sub === 'json') return 'text'
  return 'file'
}
