import type { AnyCatalogue, TextKey } from './t.ts'

const ACCENTED: Readonly<Record<string, string>> = {
  a: 'á',
  b: 'ƀ',
  c: 'ç',
  d: 'ð',
  e: 'é',
  f: 'ƒ',
  g: 'ĝ',
  h: 'ĥ',
  i: 'í',
  j: 'ĵ',
  k: 'ķ',
  l: 'ļ',
  m: 'ɱ',
  n: 'ñ',
  o: 'ó',
  p: 'þ',
  q: 'ɋ',
  r: 'ŕ',
  s: 'š',
  t: 'ţ',
  u: 'ú',
  v: 'ṽ',
  w: 'ŵ',
  x: 'ẋ',
  y: 'ý',
  z: 'ž',
}

const pseudoText = (text: string): string => {
  const parts = text.split(/(\{\w+\})/)
  const accented = parts.map((part) =>
    part.startsWith('{') ? part : part.replace(/[a-z]/g, (c) => ACCENTED[c] ?? c),
  )
  return `⟦${accented.join('')}${'~'.repeat(Math.ceil(text.length * 0.35))}⟧`
}

/** Accented and a third longer: shows text that is not in the catalogue, and layouts that can't grow. */
export function pseudoCatalogue(source: AnyCatalogue): AnyCatalogue {
  const out: Record<string, AnyCatalogue[TextKey]> = {}
  for (const [key, entry] of Object.entries(source)) {
    out[key] =
      typeof entry === 'string'
        ? pseudoText(entry)
        : { one: pseudoText(entry.one), other: pseudoText(entry.other) }
  }
  // Same keys as the source, by construction.
  return out as AnyCatalogue
}
