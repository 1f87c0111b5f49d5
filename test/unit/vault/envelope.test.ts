import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extendEnvelope, makeEnvelope, newFileKey, openEnvelope } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { Recipient, SeaPair } from '../../../app/vault/index.ts'
import { newExchangePair, seaDecrypt, seaEncrypt, seaSecret } from '../../../app/vault/envelope/sea.ts'

const mediaId = 'ab'.repeat(32)
const fileKey = newFileKey()
const pairs = [1, 2, 3, 4].map((byte) => seaPairFromSeed(Buffer.alloc(64, byte))) as [
  SeaPair,
  SeaPair,
  SeaPair,
  SeaPair,
]
const [ann, ben, cat] = pairs

function recipientOf({ pub, epub }: SeaPair): Recipient {
  return { owner: '02'.padEnd(66, '0'), pub, epub }
}

async function envelopeFor(...people: SeaPair[]) {
  return makeEnvelope({ fileKey, mediaId, version: 2, recipients: people.map(recipientOf) })
}

describe('the SEA pair of a wallet', () => {
  it('signs and agrees on keys with different scalars', () => {
    expect(ann.priv).not.toBe(ann.epriv)
    expect(new Set(pairs.map(({ pub }) => pub)).size).toBe(4)
  })

  it('is not made of anything but a whole seed', () => {
    expect(() => seaPairFromSeed(Buffer.alloc(32))).toThrow(RangeError)
  })
})

describe('a box', () => {
  it('opens with the same secret from either side, and with no other', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'grapheme' }), (text) => {
        const oneTime = newExchangePair()
        const box = seaEncrypt(text, seaSecret(ann.epub, oneTime) ?? '')
        expect(seaDecrypt(box, seaSecret(oneTime.epub, ann) ?? '')).toBe(text)
        expect(seaDecrypt(box, seaSecret(oneTime.epub, ben) ?? '')).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    '',
    'SEA{',
    'SEA{}',
    '{"ct":1,"iv":2,"s":3}',
    'SEA{"ct":"","iv":"","s":""}',
    'x'.repeat(2000),
    'null',
  ])('that is none is not opened: %s', (box) => {
    expect(seaDecrypt(box, 'secret')).toBeUndefined()
  })
})

describe('an envelope', () => {
  it('opens for everybody in it, and for nobody else', async () => {
    const envelope = await envelopeFor(ann, ben)
    for (const pair of [ann, ben]) {
      expect(await openEnvelope(envelope, pair, { mediaId, version: 2 })).toEqual(fileKey)
    }
    await expect(openEnvelope(envelope, cat, { mediaId, version: 2 })).rejects.toMatchObject({
      code: 'KEY_NEEDED',
      hint: expect.stringContaining('Ask its owner for access') as unknown,
    })
  })

  it('has a one-time key for each, never used again, and says the key nowhere', async () => {
    const envelopes = [await envelopeFor(ann, ben), await envelopeFor(ann, ben)]
    const epubs = envelopes.flatMap(({ keys }) => Object.values(keys).map(({ epub }) => epub))
    expect(new Set(epubs).size).toBe(4)
    for (const { epub } of pairs) expect(epubs).not.toContain(epub)
    expect(JSON.stringify(envelopes)).not.toContain(fileKey.toString('base64url'))
  })

  it('counts somebody who is named twice once', async () => {
    expect((await envelopeFor(ann, ben, ann)).for).toEqual([ann.pub, ben.pub])
  })

  it('takes more people, and leaves the boxes of others as they are', async () => {
    const before = { ...(await envelopeFor(ann, ben)), future: [1] }
    const after = await extendEnvelope({
      envelope: before,
      fileKey,
      mediaId,
      version: 3,
      recipients: [recipientOf(cat)],
    })
    expect(after.for).toEqual([ann.pub, ben.pub, cat.pub])
    expect(after.keys[ann.pub]).toEqual(before.keys[ann.pub])
    expect(after['future']).toEqual([1])
    expect(await openEnvelope(after, ann, { mediaId, version: 3 })).toEqual(fileKey)
    expect(await openEnvelope(after, cat, { mediaId, version: 3 })).toEqual(fileKey)
  })

  it('of another item, or of a later version, does not open', async () => {
    const envelope = await envelopeFor(ann)
    const refused = { code: 'ENVELOPE_INVALID' }
    await expect(openEnvelope(envelope, ann, { mediaId: 'cd'.repeat(32), version: 2 })).rejects.toMatchObject(
      refused,
    )
    await expect(openEnvelope(envelope, ann, { mediaId, version: 1 })).rejects.toMatchObject(refused)
    await expect(openEnvelope(envelope, ann, { mediaId, version: 9 })).resolves.toEqual(fileKey)
  })

  it('does not open when one bit of its box changed', async () => {
    const envelope = await envelopeFor(ann)
    const entry = envelope.keys[ann.pub] ?? { epub: '', box: '' }
    const box = JSON.parse(entry.box.slice(3)) as Record<'ct' | 'iv' | 's', string>
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('ct', 'iv', 's'), fc.nat(), async (part, at) => {
        const bytes = Buffer.from(box[part], 'base64')
        const bit = at % (bytes.length * 8)
        bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
        const changed = `SEA${JSON.stringify({ ...box, [part]: bytes.toString('base64') })}`
        const keys = { [ann.pub]: { ...entry, box: changed } }
        await expect(openEnvelope({ ...envelope, keys }, ann, { mediaId, version: 2 })).rejects.toMatchObject(
          {
            code: 'ENVELOPE_INVALID',
          },
        )
      }),
    )
  })

  it('with somebody else’s box under my name does not open', async () => {
    const envelope = await envelopeFor(ann, ben)
    const keys = { ...envelope.keys, [ann.pub]: envelope.keys[ben.pub] }
    await expect(openEnvelope({ ...envelope, keys }, ann, { mediaId, version: 2 })).rejects.toMatchObject({
      code: 'ENVELOPE_INVALID',
    })
  })

  const zero = 'A'.repeat(43)
  const [x = '', y = ''] = ann.epub.split('.')
  const spareBits = `${x.slice(0, 42)}${String.fromCharCode(x.charCodeAt(42) + 1)}.${y}`
  it.each([
    ['off the curve', `${zero}.${zero}`],
    ['off the curve by one coordinate', `${x}.${x}`],
    ['too short', `${x.slice(1)}.${y}`],
    ['too long', `${x}A.${y}`],
    ['without a dot', `${x}${y}`],
    ['above the field', `${Buffer.alloc(32, 255).toString('base64url')}.${y}`],
    ['of a second spelling', spareBits],
    ['empty', ''],
    ['the recipient’s own', ann.epub],
    ['the lasting one of somebody known', ben.epub],
  ])('with a one-time key %s does not open', async (_what, epub) => {
    const secret = seaSecret(ben.epub, ann) ?? ''
    const text = JSON.stringify({ key: fileKey.toString('base64url'), mediaId, version: 1 })
    const envelope = {
      scheme: 'sea',
      for: [ann.pub],
      keys: { [ann.pub]: { epub, box: seaEncrypt(text, secret) } },
    }
    const context = { mediaId, version: 1, knownEpubs: [ben.epub] }
    await expect(openEnvelope(envelope, ann, context)).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' })
  })

  it.each([
    ['pub', { pub: `${zero}.${zero}` }],
    ['epub', { epub: `${zero}.${zero}` }],
    ['epub', { epub: 'nonsense' }],
  ])('is not made for somebody whose %s is no key', async (_what, damage) => {
    const recipients = [recipientOf(ann), { ...recipientOf(ben), ...damage }]
    await expect(makeEnvelope({ fileKey, mediaId, version: 1, recipients })).rejects.toMatchObject({
      code: 'ENVELOPE_INVALID',
    })
  })

  it('is not made for nobody, nor for more than a thousand', async () => {
    await expect(envelopeFor()).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    const crowd = Array.from({ length: 1001 }, (_, i) => ({ ...recipientOf(ann), pub: String(i) }))
    await expect(makeEnvelope({ fileKey, mediaId, version: 1, recipients: crowd })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
  })

  it.each([
    ['none at all', undefined, 'KEY_NEEDED'],
    ['one of a scheme of the future', { scheme: 'smoke-signals' }, 'KEY_NEEDED'],
    ['a damaged one', { scheme: 'sea', for: [ann.pub], keys: [] }, 'ENVELOPE_INVALID'],
    [
      'one whose box is no text',
      { scheme: 'sea', for: [ann.pub], keys: { [ann.pub]: 5 } },
      'ENVELOPE_INVALID',
    ],
    [
      'one with a name from Object',
      { scheme: 'sea', for: [ann.pub], keys: { constructor: 5 } },
      'ENVELOPE_INVALID',
    ],
    ['one that lists me without a box', { scheme: 'sea', for: [ann.pub], keys: {} }, 'KEY_NEEDED'],
  ])('that is %s says so', async (_what, envelope, code) => {
    await expect(openEnvelope(envelope, ann, { mediaId, version: 1 })).rejects.toMatchObject({ code })
  })
})
