import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { AppError } from '../app/contract/index.ts'

/** Cards and sealed backups are far smaller; whatever is larger is something else. */
const MOST_TEXT_BYTES = 65_536

/**
 * Writes `text` as UTF-8 to `path`, whole or not at all: beside it first, readable by this user only (0600), then renamed
 * over whatever was there.
 * @throws {AppError} `BAD_REQUEST` when the place can't be written; what was there before is untouched
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text, 'utf8')
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new AppError(
      'BAD_REQUEST',
      `“${basename(path)}” could not be written there. Nothing was changed in that folder.`,
      { cause, hint: 'Choose a folder you may write to, with free space.' },
    )
  }
}

/**
 * Reads a small UTF-8 text.
 * @throws {AppError} `SOURCE_UNREADABLE` when it can't be read, `PAYLOAD_TOO_LARGE` over 64 KiB, `BAD_REQUEST` when it is not
 *   text
 */
export async function readTextFile(path: string): Promise<string> {
  const name = basename(path)
  const bytes = Buffer.alloc(MOST_TEXT_BYTES + 1)
  let length = 0
  try {
    const file = await open(path, 'r')
    try {
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
        length += bytesRead
        if (bytesRead === 0 || length === bytes.length) break
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new AppError('SOURCE_UNREADABLE', `“${name}” could not be read.`, { cause })
  }
  if (length > MOST_TEXT_BYTES) {
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `“${name}” is too large to be a card or a wallet’s backup. It was not read.`,
    )
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } catch (cause) {
    throw new AppError('BAD_REQUEST', `“${name}” is not a text, so it is no card and no wallet’s backup.`, {
      cause,
    })
  }
}

/** A name made safe to suggest: no folders, no control characters, nothing hidden, at most 200 characters. */
export function safeFileName(name: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is taken out
  const plain = name.replace(/[\u0000-\u001f\u007f/\\:*?"<>|]/g, '_').replace(/^\.+/, '')
  return plain.slice(0, 200).trim() || 'file'
}
