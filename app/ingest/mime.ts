import { extname } from 'node:path'
import { fileTypeFromBuffer } from 'file-type'

/** As much of a file as is looked at to tell its type. */
export const SNIFF_BYTES = 64 * 1024

const UNKNOWN = 'application/octet-stream'

/** Kinds of text that no magic number tells apart. Only here the name has a say, and only among these. */
const TEXT_BY_EXTENSION = new Map([
  ['.css', 'text/css'],
  ['.csv', 'text/csv'],
  ['.htm', 'text/html'],
  ['.html', 'text/html'],
  ['.ics', 'text/calendar'],
  ['.js', 'text/javascript'],
  ['.json', 'application/json'],
  ['.md', 'text/markdown'],
  ['.mjs', 'text/javascript'],
  ['.srt', 'application/x-subrip'],
  ['.svg', 'image/svg+xml'],
  ['.tsv', 'text/tab-separated-values'],
  ['.vtt', 'text/vtt'],
  ['.xml', 'application/xml'],
  ['.yaml', 'application/yaml'],
  ['.yml', 'application/yaml'],
])

/**
 * The media type by content, never by what a client says. Text is recognised as UTF-8; the name decides only which kind
 * of text it is.
 * @param head the first bytes, up to `SNIFF_BYTES` of them
 */
export async function sniffMime(head: Uint8Array, fileName: string): Promise<string> {
  const known = (await fileTypeFromBuffer(head).catch(() => undefined))?.mime
  const isTextual = known === undefined ? isText(head) : known === 'application/xml'
  if (!isTextual) return known ?? UNKNOWN
  return TEXT_BY_EXTENSION.get(extname(fileName).toLowerCase()) ?? known ?? 'text/plain'
}

function isText(head: Uint8Array): boolean {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)
  if (isUtf16 && head.length > 2) return true
  // Controls other than tab, line feed, form feed, carriage return and escape don't occur in text.
  if (head.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte))) return false
  try {
    // `stream`: a character cut by the end of the head is no fault.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    return head.length > 0
  } catch {
    return false
  }
}
