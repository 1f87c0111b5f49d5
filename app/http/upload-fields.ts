import { z } from 'zod'
import { AppError } from '../contract/index.ts'

const Flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0', '', 'on', 'off'])])
  .transform((value) => {
    return value === true || value === 'true' || value === '1' || value === 'on'
  })

const common = {
  name: z.string().min(1).max(1024).optional(),
  access_level: z.enum(['public', 'private']).default('private'),
  encrypt: Flag.default(false),
  /** Permanent homes; OIP's clients send a flag for each. */
  publishTo: z.record(z.string().max(32), Flag).default({}),
  recipients: z.array(z.string().max(512)).max(64).default([]),
}

/** The JSON form of an upload. */
export const UploadJson = z.discriminatedUnion('source', [
  z.object({ source: z.literal('url'), url: z.url({ protocol: /^https?$/ }).max(2048), ...common }),
  z.object({ source: z.literal('base64'), data: z.string(), ...common }),
])

/** What an upload may ask for besides its bytes, with what this node can't do yet refused or warned of. */
export const UploadFields = z.object(common).transform(({ encrypt, recipients, publishTo, ...wanted }) => {
  // Storing what somebody wanted sealed in the clear would be worse than not storing it.
  if (encrypt) throw new AppError('BAD_REQUEST', 'This version can’t encrypt media yet; nothing was stored.')
  if (recipients.length > 0) {
    throw new AppError(
      'BAD_REQUEST',
      'This version can’t share media with chosen people yet; nothing was stored.',
    )
  }
  const homes = Object.keys(publishTo).filter((home) => publishTo[home] === true && home !== 'bittorrent')
  const warnings = homes.map((home) => `Not published to ${home}: this version keeps and seeds media only.`)
  return { ...wanted, warnings }
})

/**
 * The same from a form's fields: `publishTo[ipfs]=true`, `recipients[]=…` or one `recipients`.
 * @throws {AppError} `BAD_REQUEST` naming the field that does not hold
 */
export function readUploadFields(fields: ReadonlyMap<string, string>): z.output<typeof UploadFields> {
  const publishTo: [string, string][] = []
  const recipients: string[] = []
  const plain: [string, string][] = []
  for (const [name, value] of fields) {
    const home = /^publishTo\[([a-z]{1,32})\]$/.exec(name)?.[1]
    if (home !== undefined) publishTo.push([home, value])
    else if (/^recipients(\[\d*\])?$/.test(name))
      recipients.push(...(value === '' || value === '[]' ? [] : [value]))
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
