import { homedir } from 'node:os'
import { AppError } from './contract/index.ts'

const HIDDEN = '[hidden]'
const SECRET_NAME =
  /^(.*token|.*passphrase|.*password|.*secret|mnemonic|words?|phrase|answers|entropy|seed|e?priv|private_?key|file_?key|jwt|authorization|(set-)?cookie|x-sower-token|key)$/i

const TEXT_RULES: readonly (readonly [RegExp, string])[] = [
  // JSON Web Tokens
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/\b(bearer\s+)[\w.~+/=-]{8,}/gi, `$1${HIDDEN}`],
  // A file key in a share link, a token in an address
  [/(#k=)[\w-]+/g, `$1${HIDDEN}`],
  [/([?&](?:token|access_token|key|secret|signature)=)[^&\s"']+/gi, `$1${HIDDEN}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(xprv|tprv)[1-9A-HJ-NP-Za-km-z]{50,}/g, HIDDEN],
  // Twelve or more short lowercase words in a row: a recovery phrase, whatever its name
  [/\b(?:[a-z]{3,8} ){11,23}[a-z]{3,8}\b/g, HIDDEN],
]

/**
 * What may be written to a log: the value with secrets hidden by name and by form, the home folder as `~`, bytes as
 * their number, errors as plain objects. Never throws; deep or huge values are cut.
 */
export function redact(value: unknown, home: string = homedir()): unknown {
  return redactAt(value, home, 0)
}

function redactAt(value: unknown, home: string, depth: number): unknown {
  if (typeof value === 'string') return redactText(value, home)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= 6) return '[…]'
  if (value instanceof Error) return redactError(value, home, depth)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redactAt(item, home, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 100)
      .map(([name, item]) => [name, isSecret(name, item) ? HIDDEN : redactAt(item, home, depth + 1)]),
  )
}

function redactError(error: Error, home: string, depth: number): unknown {
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: redactText(error.message, home),
    // An expected failure is told by its code; where a bug was thrown matters.
    ...(error instanceof AppError ? {} : { stack: redactText(error.stack ?? '', home) }),
    ...(error.cause === undefined ? {} : { cause: redactAt(error.cause, home, depth + 1) }),
  }
}

/** Counts and switches with such names are no secrets. */
function isSecret(name: string, value: unknown): boolean {
  return (
    SECRET_NAME.test(name) && value !== undefined && typeof value !== 'number' && typeof value !== 'boolean'
  )
}

function redactText(text: string, home: string): string {
  let result = text.length > 8192 ? `${text.slice(0, 8192)}…` : text
  if (home.length > 1) result = result.replaceAll(home, '~')
  for (const [pattern, replacement] of TEXT_RULES) result = result.replace(pattern, replacement)
  return result
}
