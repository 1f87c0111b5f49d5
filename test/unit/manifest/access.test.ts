import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AccessLevel } from '../../../app/contract/index.ts'
import { canRead } from '../../../app/manifest/index.ts'
import type { Reader } from '../../../app/manifest/index.ts'

const OWNER = `02${'aa'.repeat(32)}`
const FRIEND = `03${'bb'.repeat(32)}`
const OTHER = `02${'cc'.repeat(32)}`
const bearer = (publicKey: string, isNodeOwner = false): Reader => ({
  kind: 'bearer',
  publicKey,
  isNodeOwner,
})
const READERS = {
  stranger: { kind: 'stranger' },
  'somebody else': bearer(OTHER),
  'one it is shared with': bearer(FRIEND),
  'its publisher': bearer(OWNER),
  'the node’s owner': bearer(OTHER, true),
} as const satisfies Record<string, Reader>

describe('canRead', () => {
  it.each<[AccessLevel, (keyof typeof READERS)[]]>([
    ['public', ['stranger', 'somebody else', 'one it is shared with', 'its publisher', 'the node’s owner']],
    ['private', ['its publisher', 'the node’s owner']],
    ['shared', ['one it is shared with', 'its publisher', 'the node’s owner']],
    ['organization', ['one it is shared with', 'its publisher', 'the node’s owner']],
  ])('lets exactly these read what is %s', (accessLevel, expected) => {
    const rule = { accessLevel, owner: OWNER, sharedWith: [FRIEND] }
    const names = Object.keys(READERS) as (keyof typeof READERS)[]
    expect(names.filter((name) => canRead(READERS[name], rule))).toEqual(expected)
  })

  it('gives nobody but owners what is not public and names nobody', () => {
    const key = fc.constantFrom(OWNER, FRIEND, OTHER)
    fc.assert(
      fc.property(
        fc.constantFrom(...AccessLevel.options),
        key,
        fc.array(key),
        key,
        fc.boolean(),
        (accessLevel, owner, sharedWith, publicKey, isNodeOwner) => {
          const mayRead = canRead(bearer(publicKey, isNodeOwner), { accessLevel, owner, sharedWith })
          const isNamed = sharedWith.includes(publicKey) && accessLevel !== 'private'
          expect(mayRead).toBe(accessLevel === 'public' || isNodeOwner || publicKey === owner || isNamed)
        },
      ),
    )
  })

  it('compares whole keys, not beginnings nor other spellings', () => {
    const rule = { accessLevel: 'shared', owner: OWNER, sharedWith: [FRIEND] } as const
    for (const key of ['', FRIEND.slice(0, 64), FRIEND.toUpperCase(), `${FRIEND} `, OWNER.toUpperCase()]) {
      expect(canRead(bearer(key), rule)).toBe(false)
    }
  })
})
