import { z } from 'zod'

const MAX_PEOPLE = 1000
const MAX_BOX_CHARS = 1024
const MAX_CONDITIONS_CHARS = 16_384

/** A P-256 point in GUN's form: both coordinates, base64url. That it lies on the curve is checked where it is used. */
const Point = z.string().regex(/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, 'a SEA key of the form x.y expected')

/** A file key under Lit's network: who fulfils the conditions gets it. */
const LitPart = z.looseObject({
  /** In the network's own words; up to 16 KiB of JSON. */
  conditions: z
    .array(z.unknown())
    .min(1)
    .refine((conditions) => JSON.stringify(conditions).length <= MAX_CONDITIONS_CHARS, {
      message: 'conditions of at most 16 KiB expected',
    }),
  ciphertext: z.string().min(1).max(4096),
  dataToEncryptHash: z.string().regex(/^[0-9a-f]{64}$/, '64 lowercase hexadecimal digits expected'),
})
export type LitPart = z.output<typeof LitPart>

/** A file key boxed for people, by their `pub`; `lit` opens the same key to whoever fulfils its conditions as well. */
export const SeaEnvelope = z.looseObject({
  scheme: z.literal('sea'),
  for: z.array(Point).min(1).max(MAX_PEOPLE),
  keys: z
    .record(
      Point,
      z.looseObject({
        /** Of the one-time pair. */
        epub: Point,
        box: z.string().min(1).max(MAX_BOX_CHARS),
      }),
    )
    .refine((keys) => Object.keys(keys).length <= MAX_PEOPLE, {
      message: 'keys for at most 1,000 people expected',
    }),
  lit: LitPart.optional(),
})
export type SeaEnvelope = z.output<typeof SeaEnvelope>

/** A file key under Lit alone. */
export const LitEnvelope = LitPart.extend({ scheme: z.literal('lit') })
export type LitEnvelope = z.output<typeof LitEnvelope>

/** One of a later version: kept, not opened. */
const OtherEnvelope = z.looseObject({
  scheme: z
    .string()
    .min(1)
    .max(32)
    .refine((scheme) => scheme !== 'sea' && scheme !== 'lit'),
})

/** What an envelope says of Lit, when it is one that Sower reads. */
export function litPartIn(envelope: unknown): LitPart | undefined {
  const people = SeaEnvelope.safeParse(envelope)
  return people.success ? people.data.lit : LitEnvelope.safeParse(envelope).data
}

export const KeyEnvelope = z.union([SeaEnvelope, LitEnvelope, OtherEnvelope])
export type KeyEnvelope = z.output<typeof KeyEnvelope>
