import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

const TOKEN = /^[0-9a-f]{64}$/

/**
 * The data folder's control token: 256 random bits as 64 hex, made at the first start, readable by this user alone.
 * A file that does not hold one is replaced.
 */
export async function loadControlToken(dataDir: string): Promise<string> {
  const path = join(dataDir, 'control.token')
  const known = await readIfThere(path)
  if (known !== undefined && TOKEN.test(known)) {
    await chmod(path, 0o600)
    return known
  }
  const token = randomBytes(32).toString('hex')
  const draft = `${path}.${randomBytes(4).toString('hex')}.new`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${token}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  return token
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Compares secrets in a time that tells nothing about where they differ, nor how long they are. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
