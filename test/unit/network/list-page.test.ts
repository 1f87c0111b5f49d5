import fc from 'fast-check'
import { expect, test } from 'vitest'
import { below } from '../../../app/network/list-page.ts'

const mediaId = fc.stringMatching(/^[0-9a-f]{64}$/)
/** Ids that share much of a key, so that what is near to it is tried too. */
const nearby = fc.tuple(mediaId, fc.nat(64), mediaId).map(([a, at, b]) => [a, a.slice(0, at) + b.slice(at)])

test('the bound of a page is under its first key and over every mediaId before it', () => {
  fc.assert(
    fc.property(nearby, ([key = '', id = '']) => {
      const bound = below(key)
      expect(bound === undefined || bound < key).toBe(true)
      if (id < key) expect(bound !== undefined && id <= bound).toBe(true)
    }),
  )
})

test('so it is under what others wrote for a key', () => {
  fc.assert(
    fc.property(
      nearby,
      fc.nat(64),
      fc.stringMatching(/^[\w:.+/=-]{1,20}$/),
      ([a = '', id = ''], at, junk) => {
        const key = a.slice(0, at) + junk
        const bound = below(key)
        expect(bound === undefined || bound < key).toBe(true)
        if (id < key) expect(bound !== undefined && id <= bound).toBe(true)
      },
    ),
  )
})
