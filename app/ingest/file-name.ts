const MAX_NAME_BYTES = 255
/** A longer "extension" is part of a sentence, not a type. */
const MAX_EXTENSION_BYTES = 32
const FALLBACK_NAME = 'file'

/** C0, DEL and C1 controls, line and paragraph separators, the byte-order mark. */
const CONTROLS = /[\p{Cc}\u2028\u2029\ufeff]/gu
/** Marks that turn the reading direction, with which `gpj.exe` is shown as `exe.jpg`. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const SLASHES = /[/\\]/gu
/** Names Windows gives to devices, whatever follows the first dot. */
const DEVICE_NAME = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/iu

/**
 * A name that is safe as one path component on every system and can't deceive when shown. Unicode is kept.
 * @returns at most 255 bytes of UTF-8, never empty, `.` or `..`
 */
export function cleanFileName(name: string): string {
  const visible = name
    .toWellFormed()
    .replace(CONTROLS, '')
    .replace(BIDI_CONTROLS, '')
    .replace(SLASHES, '_')
    .replace(/^[.\s]+/u, '')
    .replace(/[.\s]+$/u, '')
  const harmless = DEVICE_NAME.test(visible) ? `_${visible}` : visible
  return shorten(harmless) || FALLBACK_NAME
}

/** Cuts the stem, not the extension, and never through a character. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name
  const dot = name.lastIndexOf('.')
  const tail = dot > 0 ? name.slice(dot) : ''
  const extension = Buffer.byteLength(tail) <= MAX_EXTENSION_BYTES ? tail : ''
  const room = MAX_NAME_BYTES - Buffer.byteLength(extension)
  const stem = cutToBytes(name.slice(0, name.length - extension.length), room)
  return stem.replace(/[.\s]+$/u, '') + extension
}

function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    end += character.length
  }
  return text.slice(0, end)
}
