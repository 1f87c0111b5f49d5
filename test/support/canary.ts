import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Every spelling under which a text could have slipped out: plain, hex, and base64 at each of its three alignments. */
export function spellings(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const base64 = [0, 1, 2].map((pad) => {
    const encoded = Buffer.concat([Buffer.alloc(pad), bytes]).toString('base64')
    // Characters at either end also depend on the neighbours.
    return encoded.slice(pad === 0 ? 0 : 4, -4)
  })
  const words = [
    text,
    bytes.toString('hex'),
    ...base64,
    ...base64.map(toUrlAlphabet),
    encodeURIComponent(text),
  ]
  return [...new Set(words)].map((word) => Buffer.from(word))
}

function toUrlAlphabet(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_')
}

/** Which of the texts can be read in these bytes, in any spelling. */
export function found(bytes: Buffer, texts: readonly string[]): string[] {
  return texts.filter((text) => spellings(text).some((word) => bytes.includes(word)))
}

/** The files under a folder in which one of the texts can be read, in their names or content. */
export async function leaks(folder: string, texts: readonly string[]): Promise<string[]> {
  const leaking: string[] = []
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    if (found(Buffer.from(path), texts).length > 0) leaking.push(path)
    if (!entry.isFile()) continue
    const texty = found(await readFile(path), texts)
    if (texty.length > 0) leaking.push(`${path}: ${texty.join(', ')}`)
  }
  return leaking
}
