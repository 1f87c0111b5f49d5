import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { AppError } from '../contract/index.ts'
import type { PassphraseSource } from '../vault/index.ts'

const ATTEMPTS = 3

/** Whether somebody can be asked for a secret. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** Asks for the passphrase on the terminal without showing it; undefined when there is no terminal to ask on. */
export function terminalPassphrase(): PassphraseSource | undefined {
  if (!canAsk()) return undefined
  return (purpose) => (purpose === 'open' ? askForExisting() : askForNew())
}

/** Nothing when the user would rather not say: the wallet stays locked. */
async function askForExisting(): Promise<string | null> {
  try {
    return await askHidden('Passphrase of this wallet: ')
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

async function askForNew(): Promise<string | null> {
  process.stderr.write(
    'There is no keychain here, so your new wallet is protected by a passphrase.\nIt cannot be recovered: write it down. Press Enter for none (then a key file in the data folder protects it).\n',
  )
  const chosen = await askTwice('New passphrase: ')
  return chosen === '' ? null : chosen
}

/**
 * Asks for a new secret twice, so that a typing mistake can't lock anybody out; an empty one is not asked again.
 * @throws {AppError} `CANCELLED`
 */
export async function askTwice(question: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = await askHidden(question)
    if (first === '' || (await askHidden('The same again: ')) === first) return first
    process.stderr.write('These were not the same.\n')
  }
  throw new AppError('CANCELLED', 'Nothing was chosen, so nothing was changed.')
}

/** Asks on the terminal without showing what is typed. @throws {AppError} `CANCELLED` */
export async function askHidden(question: string): Promise<string> {
  let isHidden = false
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const interrupted = new AbortController()
  lines.once('SIGINT', () => {
    interrupted.abort()
    // readline has taken Ctrl-C for itself; the command is to end by it as anywhere else.
    process.kill(process.pid, 'SIGINT')
  })
  try {
    const answer = lines.question(question, { signal: interrupted.signal })
    isHidden = true
    return await answer
  } catch (cause) {
    throw new AppError('CANCELLED', 'Cancelled.', { cause })
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
