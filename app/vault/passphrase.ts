import { readFileSync } from 'node:fs'
import { AppError } from '../contract/index.ts'

/** Asks for the wallet's passphrase; null = there is none to be had. `create` wants it confirmed. */
export type PassphraseSource = (purpose: 'create' | 'open') => Promise<string | null>

/**
 * The passphrase that opened (or sealed) the wallet file, so that nobody is asked for it again while the engine runs.
 * Kept as bytes that can be wiped.
 */
export class RememberedPassphrase {
  readonly #source: PassphraseSource
  #bytes: Buffer | undefined
  /** Somebody was asked for a new one and wants none. */
  #isDeclined = false

  constructor(source: PassphraseSource) {
    this.#source = source
  }

  /** The remembered one, else what the source answers, which is remembered from then on. */
  async ask(purpose: 'create' | 'open'): Promise<string | null> {
    if (this.#bytes !== undefined) return this.#bytes.toString('utf8')
    if (purpose === 'create' && this.#isDeclined) return null
    const text = await this.#source(purpose)
    if (text !== null) this.remember(text)
    else if (purpose === 'create') this.#isDeclined = true
    return text
  }

  remember(text: string): void {
    this.forget()
    this.#bytes = Buffer.from(text, 'utf8')
  }

  /** After one that did not fit, and at the end. */
  forget(): void {
    this.#bytes?.fill(0)
    this.#bytes = undefined
  }
}

/**
 * The passphrase from the file named by SOWER_PASSPHRASE_FILE, else from `prompt`, never from argv or a variable.
 * @throws {AppError} (from the source) `BAD_REQUEST` when the file can't be read or is empty
 */
export function passphraseFrom(
  env: Readonly<Record<string, string | undefined>>,
  prompt?: PassphraseSource,
): PassphraseSource {
  const path = env['SOWER_PASSPHRASE_FILE']
  if (path === undefined || path.trim() === '') return prompt ?? (() => Promise.resolve(null))
  return () => Promise.resolve(readPassphraseFile(path))
}

function readPassphraseFile(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AppError('BAD_REQUEST', 'The file named by SOWER_PASSPHRASE_FILE cannot be read.', {
      hint: `Put the passphrase on the first line of ${path} and let Sower read it.`,
      cause,
    })
  }
  const passphrase = text.split(/\r?\n/, 1)[0] ?? ''
  if (passphrase === '') {
    throw new AppError('BAD_REQUEST', 'The file named by SOWER_PASSPHRASE_FILE is empty.', {
      hint: `Put the passphrase on the first line of ${path}.`,
    })
  }
  return passphrase
}
