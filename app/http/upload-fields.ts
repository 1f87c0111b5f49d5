import { z } from 'zod'
import { AppError } from '../contract/index.ts'

const Flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0', '', 'on', 'off'])])
  .transform((value) => {
    return value === true || value === 'true' || value === '1' || value === 'on'
  })

const common = {
  name: z.string().min(1).max(1024).optional(),
  /** `shared`: with `recipients`. */
  access_level: z.enum(['public', 'private', 'shared']).default('private'),
  encrypt: Flag.optional(),
  /** Permanent homes; OIP's clients send a flag for each. */
  publishTo: z.record(z.string().max(32), Flag).default({}),
  /** Who can read it beside the owner: owner keys or SEA keys of contacts, or cards. Implies `encrypt`. */
  recipients: z.array(z.string().min(1).max(16_384)).max(64).default([]),
}

/** The JSON form of an upload. */
export const UploadJson = z.discriminatedUnion('source', [
  z.object({ source: z.literal('url'), url: z.url({ protocol: /^https?$/ }).max(2048), ...common }),
  z.object({ source: z.literal('base64'), data: z.string(), ...common }),
])

/** What an upload asks for besides its bytes. */
export interface UploadWish {
  readonly name?: string | undefined
  readonly accessLevel: 'public' | 'private'
  /** Absent: nothing was said of it. */
  readonly isEncrypted: boolean | undefined
  /** Whether it is to be for others too, whoever they are. */
  readonly isShared: boolean
  /** As the client names them. */
  readonly recipients: readonly string[]
  /** What was asked for and is not done. */
  readonly warnings: readonly string[]
}

/** The same, with what this node can't do warned of. */
export const UploadFields = z
  .object(common)
  .transform(({ encrypt, recipients, publishTo, access_level: level, name }): UploadWish => {
    const homes = Object.keys(publishTo).filter((home) => publishTo[home] === true && home !== 'bittorrent')
    return {
      name,
      accessLevel: level === 'public' ? 'public' : 'private',
      isEncrypted: recipients.length > 0 || level === 'shared' ? true : encrypt,
      isShared: level === 'shared',
      recipients,
      warnings: homes.map((home) => `Not published to ${home}: this version keeps and seeds media only.`),
    }
  })

/** What only all of an upload's fields together can say. @throws {AppError} `BAD_REQUEST` */
export function requireWhole({ isShared, recipients }: UploadWish): void {
  if (!isShared || recipients.length > 0) return
  throw new AppError('BAD_REQUEST', '“shared” needs somebody to share with; nothing was stored.', {
    hint: 'Name them in “recipients[]”, or leave “access_level” out.',
  })
}

/** A field of a form, in the order they came; one name may come several times. */
export type FormField = readonly [name: string, value: string]

/**
 * The same from a form's fields: `publishTo[ipfs]=true`, `recipients[]=…` as often as there are people, or one `recipients`
 * with a JSON array.
 * @throws {AppError} `BAD_REQUEST` naming the field that does not hold
 */
export function readUploadFields(fields: Iterable<FormField>): UploadWish {
  const publishTo: FormField[] = []
  const recipients: string[] = []
  const plain: FormField[] = []
  for (const [name, value] of fields) {
    const home = /^publishTo\[([a-z]{1,32})\]$/.exec(name)?.[1]
    if (home !== undefined) publishTo.push([home, value])
    else if (/^recipients(\[\d*\])?$/.test(name)) recipients.push(...recipientsIn(value))
    else if (value !== '') plain.push([name, value])
  }
  const parsed = UploadFields.safeParse({
    ...Object.fromEntries(plain),
    publishTo: Object.fromEntries(publishTo),
    recipients,
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new AppError(
    'BAD_REQUEST',
    `The field “${issue?.path.join('.') ?? ''}” does not hold: ${issue?.message ?? ''}.`,
  )
}

function recipientsIn(value: string): string[] {
  if (value.trim() === '') return []
  if (!value.trim().startsWith('[')) return [value]
  try {
    return z.array(z.string()).parse(JSON.parse(value))
  } catch (cause) {
    throw new AppError('BAD_REQUEST', 'The field “recipients” is not a JSON array of texts.', { cause })
  }
}
