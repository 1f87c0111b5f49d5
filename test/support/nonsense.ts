import { encode, type Encodable } from '../../app/seeding/bencode.ts'

export const EXTENDED = 20
const MIB = 1024 * 1024
const BROKEN = [
  'd',
  'de',
  'i1e',
  'l'.repeat(100_000),
  'd1:m'.repeat(5000),
  '99999999999:a',
  '-1:a',
  'd1:mi-0ee',
  'd1:vi5e1:p3:abc4:reqq3:xyze',
] as const

/** Big-endian. */
export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
/** A message of the peer protocol (BEP 3). */
export const message = (id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([uint32(payload.length + 1), Buffer.from([id]), payload])
/** A message of an extension, by its number (BEP 10). */
export const extended = (id: number, content: Encodable): Buffer =>
  message(EXTENDED, Buffer.concat([Buffer.from([id]), encode(content)]))

/** Messages of the peer protocol that are nearly right, or not at all, the same for the same random numbers. */
export class Nonsense {
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  next(): Buffer {
    const id = this.#one([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20, 20, 20, this.#below(256)])
    const kind = this.#random()
    if (id === EXTENDED && kind < 0.8)
      return message(EXTENDED, Buffer.concat([Buffer.from([this.#below(5)]), this.#content()]))
    if (kind < 0.4) {
      if ([4, 13, 17].includes(id)) return message(id, this.#number())
      if ([6, 8, 16].includes(id))
        return message(id, Buffer.concat([this.#number(), this.#number(), this.#number()]))
      if (id === 7)
        return message(
          id,
          Buffer.concat([
            this.#number(),
            this.#number(),
            Buffer.alloc(this.#one([0, 1, 16_384, 131_072, 200_000])),
          ]),
        )
      return message(id, this.#bytes(this.#one([0, 1, 2, 10, 1000])))
    }
    if (kind < 0.8) return message(id, this.#bytes(this.#below(30)))
    if (kind < 0.9) return Buffer.concat([this.#number(), Buffer.from([id]), this.#bytes(this.#below(30))])
    return this.#bytes(this.#below(200))
  }

  #content(): Buffer {
    return this.#random() < 0.2
      ? Buffer.from(this.#one(BROKEN))
      : Buffer.concat([encode(this.#dict(0)), this.#bytes(this.#one([0, 0, 10, 16_384]))])
  }

  #dict(depth: number): Encodable {
    const keys = [
      'v',
      'p',
      'reqq',
      'msg_type',
      'piece',
      'total_size',
      'added',
      'added.f',
      'dropped',
      'added6',
      'm',
    ]
    const dict: Record<string, Encodable> = {}
    for (const key of keys) if (this.#random() < 0.3) dict[key] = this.#value(depth)
    if (this.#random() < 0.5) {
      const names = ['ut_metadata', 'ut_pex', 'sower_manifest', 'toString']
      dict['m'] = Object.fromEntries(
        names.map((name) => [name, this.#random() < 0.6 ? this.#below(5) : this.#value(depth)]),
      )
      dict['metadata_size'] = this.#one([0, 1, 100, 16_384, 16_385, 100_000, -5])
    }
    if (this.#random() < 0.5) {
      dict['msg_type'] = this.#below(4)
      dict['piece'] = this.#one([0, 1, -1, Number.MAX_SAFE_INTEGER])
      dict['total_size'] = this.#one([0, 1, 100, 16_384, 40_000, MIB, MIB + 1])
    }
    return dict
  }

  #value(depth: number): Encodable {
    const kind = this.#random()
    if (kind < 0.5) return this.#one([0, 1, 2, 3, -1, 255, 256, 65_536, Number.MAX_SAFE_INTEGER])
    if (kind < 0.7 || depth > 3) return this.#bytes(this.#below(40))
    if (kind < 0.85) return Array.from({ length: this.#below(4) }, () => this.#value(depth + 1))
    return this.#dict(depth + 1)
  }

  #number(): Buffer {
    return uint32(
      this.#random() < 0.5
        ? this.#one([0, 1, 16_383, 16_384, 16_385, 0x7fffffff, 0x80000000, 0xffffffff, 131_073])
        : this.#below(64),
    )
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#below(256)))
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #one<T>(list: readonly [T, ...T[]]): T {
    return list[this.#below(list.length)] ?? list[0]
  }
}
