/** A decoded bencode value (BEP 3). Integers beyond 2^53 are refused; strings stay bytes. */
export type Bencoded = number | Uint8Array | Bencoded[] | BencodedDict
export type BencodedDict = Map<string, Bencoded>

const MAX_DEPTH = 32
const latin1 = new TextDecoder('latin1')

/** Where a top-level key's value lies in the input, as raw bytes: what an infoHash is the SHA-1 of. */
export interface DecodedDict {
  readonly dict: BencodedDict
  readonly rawValues: ReadonlyMap<string, Uint8Array>
  /** Bytes the dictionary took; anything after it is not part of it. */
  readonly endOffset: number
}

class Cursor {
  readonly bytes: Uint8Array
  offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  peek(): number {
    const byte = this.bytes[this.offset]
    if (byte === undefined) throw new SyntaxError('bencode: ends too early')
    return byte
  }

  /** Digits up to `end`, canonical: no leading zero, no `-0`. */
  integer(end: number): number {
    const stop = this.bytes.indexOf(end, this.offset)
    if (stop === -1 || stop - this.offset > 17) throw new SyntaxError('bencode: bad number')
    const text = latin1.decode(this.bytes.subarray(this.offset, stop))
    if (!/^(0|-?[1-9][0-9]*)$/.test(text)) throw new SyntaxError('bencode: bad number')
    this.offset = stop + 1
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new SyntaxError('bencode: number out of range')
    return value
  }

  string(): Uint8Array {
    const length = this.integer(COLON)
    const end = this.offset + length
    if (length < 0 || end > this.bytes.length) throw new SyntaxError('bencode: string ends too early')
    const value = this.bytes.subarray(this.offset, end)
    this.offset = end
    return value
  }
}

const COLON = 0x3a
const END = 0x65
const INTEGER = 0x69
const LIST = 0x6c
const DICT = 0x64

function value(cursor: Cursor, depth: number): Bencoded {
  if (depth > MAX_DEPTH) throw new SyntaxError('bencode: nested too deeply')
  const byte = cursor.peek()
  if (byte === INTEGER) {
    cursor.offset += 1
    return cursor.integer(END)
  }
  if (byte === LIST) {
    cursor.offset += 1
    const list: Bencoded[] = []
    while (cursor.peek() !== END) list.push(value(cursor, depth + 1))
    cursor.offset += 1
    return list
  }
  if (byte === DICT) return dictionary(cursor, depth).dict
  return cursor.string()
}

function dictionary(cursor: Cursor, depth: number): DecodedDict {
  cursor.offset += 1
  const dict: BencodedDict = new Map()
  const rawValues = new Map<string, Uint8Array>()
  while (cursor.peek() !== END) {
    const key = latin1.decode(cursor.string())
    const start = cursor.offset
    const decoded = value(cursor, depth + 1)
    if (dict.has(key)) throw new SyntaxError('bencode: key given twice')
    dict.set(key, decoded)
    if (depth === 0) rawValues.set(key, cursor.bytes.subarray(start, cursor.offset))
  }
  cursor.offset += 1
  return { dict, rawValues, endOffset: cursor.offset }
}

/**
 * Decodes a dictionary and keeps the raw bytes of its values.
 * @throws {SyntaxError} when the bytes do not start with a well-formed dictionary
 * @see https://www.bittorrent.org/beps/bep_0003.html
 */
export function decodeDict(bytes: Uint8Array): DecodedDict {
  const cursor = new Cursor(bytes)
  if (cursor.peek() !== DICT) throw new SyntaxError('bencode: not a dictionary')
  return dictionary(cursor, 0)
}

export type Encodable =
  number | string | Uint8Array | readonly Encodable[] | { readonly [key: string]: Encodable }

/** The canonical bencoding (keys sorted by their bytes). */
export function encode(input: Encodable): Buffer {
  const parts: Uint8Array[] = []
  write(input, parts)
  return Buffer.concat(parts)
}

function write(input: Encodable, parts: Uint8Array[]): void {
  if (typeof input === 'number') parts.push(Buffer.from(`i${String(input)}e`))
  else if (typeof input === 'string') write(Buffer.from(input), parts)
  else if (input instanceof Uint8Array) parts.push(Buffer.from(`${String(input.length)}:`), input)
  else if (isList(input)) {
    parts.push(Buffer.from('l'))
    for (const item of input) write(item, parts)
    parts.push(Buffer.from('e'))
  } else {
    parts.push(Buffer.from('d'))
    const entries = Object.entries(input).map(([key, item]) => ({ key: Buffer.from(key), item }))
    entries.sort((a, b) => Buffer.compare(a.key, b.key))
    for (const { key, item } of entries) {
      write(key, parts)
      write(item, parts)
    }
    parts.push(Buffer.from('e'))
  }
}

/** `Array.isArray` does not narrow readonly arrays out of a union. */
function isList(input: Encodable): input is readonly Encodable[] {
  return Array.isArray(input)
}
