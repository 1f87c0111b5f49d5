import { hkdfSync } from 'node:crypto'
import { z } from 'zod'
import { keyFromBytes, newSaltAndIv, sealUnder, unsealUnder } from './sealing.ts'
import type { SeaPair } from './envelope/sea.ts'

/** What a wallet seals for itself alone, and to how many bytes it is padded, so that its size says little. */
const PADDED_TO = { 'sower-kept-key': 256, 'sower-kept-contacts': 4096, 'sower-kept-followed': 4096 } as const
export type SelfSealed = keyof typeof PADDED_TO

const MAX_CHARS = 64 * 1024 * 1024
const Base64 = z.base64()
const File = z.strictObject({
  format: z.enum(['sower-kept-key', 'sower-kept-contacts', 'sower-kept-followed']),
  version: z.literal(1),
  salt: Base64.max(64),
  iv: Base64.max(32),
  data: Base64,
  tag: Base64.max(32),
})

/** What the files of a wallet are found under: 32 hex which nobody can tell from others, or bring together with its keys. */
export function selfName(pair: Pick<SeaPair, 'epriv'>): string {
  return withSecret(pair, (secret) =>
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), 'sower/kept/name/v1', 16)).toString('hex'),
  )
}

/** Seals something (as JSON) so that the wallet of `pair` alone opens it, and nothing tells whose it is. */
export function sealForSelf(pair: Pick<SeaPair, 'epriv'>, format: SelfSealed, content: unknown): string {
  const text = Buffer.from(JSON.stringify(content), 'utf8')
  const plain = Buffer.alloc(Math.ceil(text.length / PADDED_TO[format]) * PADDED_TO[format], ' ')
  text.copy(plain)
  const head = { format, version: 1 as const, ...newSaltAndIv() }
  const key = selfKey(pair, head.salt)
  try {
    return `${JSON.stringify({ ...head, ...sealUnder(key, head, plain) })}\n`
  } finally {
    for (const secret of [key, text, plain]) secret.fill(0)
  }
}

/** @returns undefined when it is damaged, of another kind, or another wallet's */
export function openOwn(pair: Pick<SeaPair, 'epriv'>, format: SelfSealed, text: string): unknown {
  const parsed = File.safeParse(text.length > MAX_CHARS ? undefined : parseJson(text))
  if (!parsed.success || parsed.data.format !== format) return undefined
  const { data, tag, ...head } = parsed.data
  const key = selfKey(pair, head.salt)
  try {
    const plain = unsealUnder(key, head, { data, tag })
    const content = parseJson(plain.toString('utf8'))
    plain.fill(0)
    return content
  } catch {
    return undefined
  } finally {
    key.fill(0)
  }
}

function selfKey(pair: Pick<SeaPair, 'epriv'>, salt: string): Buffer {
  return withSecret(pair, (secret) => keyFromBytes(secret, salt, 'sower/kept/v1'))
}

function withSecret<T>({ epriv }: Pick<SeaPair, 'epriv'>, derive: (secret: Buffer) => T): T {
  const secret = Buffer.from(epriv, 'base64url')
  try {
    return derive(secret)
  } finally {
    secret.fill(0)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
