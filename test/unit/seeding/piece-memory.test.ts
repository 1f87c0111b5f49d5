import { expect, test } from 'vitest'
import { PAGE_BYTES, PieceMemory, PieceSlabs } from '../../../app/seeding/piece-memory.ts'

const MIB = 1024 * 1024

test('every piece has a place of its own that begins at a page border', () => {
  const memory = new PieceMemory(new PieceSlabs(), 64 * 1024)
  const pieces = Array.from({ length: 600 }, () => memory.take(64 * 1024))
  const places = new Set(pieces.map(({ buffer, byteOffset }) => `${buffers.of(buffer)}:${byteOffset}`))
  expect(places.size).toBe(600)
  expect(pieces.every(({ byteOffset }) => byteOffset % PAGE_BYTES === 0)).toBe(true)
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBe(3)
})

test('a short last piece and a piece length that is no multiple of a page fit', () => {
  const memory = new PieceMemory(new PieceSlabs(), 20_000)
  const pieces = [memory.take(20_000), memory.take(20_000), memory.take(10_001)]
  expect(pieces.map(({ length }) => length)).toEqual([20_000, 20_000, 10_001])
  expect(pieces.map(({ byteOffset }) => byteOffset % PAGE_BYTES)).toEqual([0, 0, 0])
  pieces.forEach((piece, index) => piece.fill(index + 1))
  expect(pieces.every((piece, index) => piece.every((byte) => byte === index + 1))).toBe(true)
})

test('memory that is given back serves the next download, whatever its piece length; little is kept', () => {
  const slabs = new PieceSlabs()
  const before = new PieceMemory(slabs, 4 * MIB)
  const pieces = Array.from({ length: 20 }, () => before.take(4 * MIB))
  const used = new Set(pieces.map(({ buffer }) => buffer))
  expect(used.size).toBe(5)
  for (const piece of pieces) before.give(piece)
  const after = new PieceMemory(slabs, 8 * MIB)
  const next = new Set(Array.from({ length: 10 }, () => after.take(8 * MIB).buffer))
  expect(next.size).toBe(5)
  expect([...next].filter((slab) => used.has(slab))).toHaveLength(3)
})

test('a piece larger than everything else gets memory of its own', () => {
  expect(new PieceMemory(new PieceSlabs(), 64 * MIB).take(64 * MIB)).toHaveLength(64 * MIB)
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
