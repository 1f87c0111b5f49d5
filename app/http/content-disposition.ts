const MAX_NAME_BYTES = 255
// C0, DEL, C1; bidirectional controls and marks; line and paragraph separators; zero-width no-break space.
// oxlint-disable-next-line no-control-regex -- control characters are what it removes
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

/**
 * A name as it may be suggested to whoever saves a file: no control or direction characters, no separators, no leading dots or
 * device names; at most 255 bytes of UTF-8, never empty.
 */
export function safeDownloadName(name: string, fallback: string): string {
  const cleaned = name
    .toWellFormed()
    .normalize('NFC')
    .replace(INVISIBLE, '')
    .replace(/[/\\:*?"<>|]/g, '_')
    .trim()
    .replace(/^\.+/, '')
    .replace(/[. ]+$/, '')
  const named = WINDOWS_DEVICE.test(cleaned) ? `_${cleaned}` : cleaned
  return truncateBytes(named, MAX_NAME_BYTES) || fallback
}

/** The longest start of `text` within `maxBytes` of UTF-8, with its extension kept where there is a short one. */
function truncateBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(text)?.[0] ?? ''
  let kept = ''
  let keptBytes = extension.length
  for (const character of text) {
    keptBytes += Buffer.byteLength(character)
    if (keptBytes > maxBytes) break
    kept += character
  }
  return kept + extension
}

/**
 * A Content-Disposition value: ASCII only, one line whatever the name holds.
 * @see RFC 6266 §4.3 and Appendix D, RFC 8187 §3.2
 */
export function contentDisposition(type: 'inline' | 'attachment', name: string, fallback: string): string {
  const safeName = safeDownloadName(name, fallback)
  const ascii = safeName.replace(/[^\x20-\x7e]/g, '_').replace(/[%"\\]/g, '_')
  const plain = `${type}; filename="${ascii}"`
  return ascii === safeName ? plain : `${plain}; filename*=UTF-8''${percentEncode(safeName)}`
}

/** RFC 8187's `ext-value`: everything but `attr-char` as UTF-8 percent-encoded. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
