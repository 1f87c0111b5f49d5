import { readFileSync } from 'node:fs'
import { AppError } from '../contract/index.ts'
import { askHidden, askTwice, canAsk } from './prompt.ts'

const MAX_SECRET_CHARS = 65_536

/**
 * A secret from a file, `-` for standard input; never from the command line, which every program of the computer can read.
 * @param what as in “the words”: said when it can't be read
 * @throws {AppError} `BAD_REQUEST`
 */
export async function readSecret(path: string, what: string): Promise<string> {
  const text = path === '-' ? await readStdin() : readTextFile(path, what)
  if (text.length > MAX_SECRET_CHARS)
    throw new AppError('BAD_REQUEST', `What is to be ${what} is far too long.`)
  if (text.trim() === '') throw new AppError('BAD_REQUEST', `There is nothing where ${what} should be.`)
  return text
}

/** The first line of a secret's file: a password or passphrase. @throws {AppError} `BAD_REQUEST` */
export async function readSecretLine(path: string, what: string): Promise<string> {
  return (await readSecret(path, what)).split(/\r?\n/, 1)[0] ?? ''
}

/**
 * An existing secret: from the file that was named, else typed without being shown, else (nobody there) from standard input.
 * @throws {AppError} `BAD_REQUEST`, `CANCELLED`
 */
export async function existingSecret(
  file: string | undefined,
  { what, question }: { readonly what: string; readonly question: string },
): Promise<string> {
  if (file !== undefined) return readSecret(file, what)
  if (canAsk()) return askHidden(question)
  return readSecret('-', what)
}

/**
 * A new secret: from the file that was named, else typed twice.
 * @param option the option that names the file, for whoever has no terminal
 * @throws {AppError} `BAD_REQUEST`, `CANCELLED`
 */
export async function newSecret(
  file: string | undefined,
  { what, question, option }: { readonly what: string; readonly question: string; readonly option: string },
): Promise<string> {
  if (file !== undefined) return readSecretLine(file, what)
  if (canAsk()) return askTwice(question)
  throw new AppError('BAD_REQUEST', `There is no terminal to ask for ${what} on.`, {
    hint: `Put it on the first line of a file and name that with ${option}.`,
  })
}

function readTextFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AppError('BAD_REQUEST', `The file with ${what}, ${path}, can’t be read.`, {
      hint: 'Check its name and that you may read it.',
      cause,
    })
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array)
    length += bytes.length
    if (length > MAX_SECRET_CHARS) break
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
