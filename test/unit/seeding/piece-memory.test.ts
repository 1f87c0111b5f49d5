import { expect, test } from 'vitest'
import { PAGE_BYTES, PieceMemory } from '../../../app/seeding/piece-memory.ts'

const MIB = 1024 * 1024

test('every piece has a place of its own that begins at a page border', () => {
  const memory = new PieceMemory(64 * 1024, 100 * MIB)
  const pieces = Array.from({ length: 600 }, () => memory.take(64 * 1024))
  const places = new Set(pieces.map(({ buffer, byteOffset }) => `${buffers.of(buffer)}:${byteOffset}`))
  expect(places.size).toBe(600)
  expect(pieces.every(({ byteOffset }) => byteOffset % PAGE_BYTES === 0)).toBe(true)
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBe(3)
})

test('a short last piece and a piece length that is no multiple of a page fit', () => {
  const memory = new PieceMemory(20_000, 50_001)
  const pieces = [memory.take(20_000), memory.take(20_000), memory.take(10_001)]
  expect(pieces.map(({ length }) => length)).toEqual([20_000, 20_000, 10_001])
  expect(pieces.map(({ byteOffset }) => byteOffset % PAGE_BYTES)).toEqual([0, 0, 0])
  pieces.forEach((piece, index) => piece.fill(index + 1))
  expect(pieces.every((piece, index) => piece.every((byte) => byte === index + 1))).toBe(true)
})

test('memory that is given back is used again, and of what nobody uses little is kept', () => {
  const memory = new PieceMemory(4 * MIB, 1024 * MIB)
  const first = Array.from({ length: 12 }, () => memory.take(4 * MIB))
  const used = new Set(first.map(({ buffer }) => buffer))
  expect(used.size).toBe(3)
  for (const piece of first) memory.give(piece)
  const second = Array.from({ length: 12 }, () => memory.take(4 * MIB))
  expect(second.filter(({ buffer }) => used.has(buffer))).toHaveLength(4)
})

test('a small file takes no more than it needs, a huge piece gets it all', () => {
  expect(new PieceMemory(16 * 1024, 100_000).take(16 * 1024).buffer.byteLength).toBe(128 * 1024)
  expect(new PieceMemory(64 * MIB, 1024 * MIB).take(64 * MIB)).toHaveLength(64 * MIB)
})

/** A number for each buffer, as they have no name. */
const buffers = {
  seen: new Map<SharedArrayBuffer, number>(),
  of(buffer: SharedArrayBuffer): number {
    const known = this.seen.get(buffer) ?? this.seen.size
    this.seen.set(buffer, known)
    return known
  },
}
