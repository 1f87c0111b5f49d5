/** Words that are looked for at most; more only make a search slower, not better. */
const MAX_WORDS = 8

/** A text as it is compared: case, accents and width don't matter. */
export function fold(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}

/** The words of a text, folded. Anything that is not a letter or a digit parts them. */
export function wordsOf(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? []
}

/** The full-text query for entries with all of the words, each also as the beginning of a longer one. */
export function matchQuery(words: readonly string[]): string {
  // One letter begins half of all words: it only counts as a word of its own.
  return words
    .slice(0, MAX_WORDS)
    .map((word) => `"${word}"${word.length > 1 ? ' *' : ''}`)
    .join(' AND ')
}

/** How well a name answers the words: those that stand in it whole count most, then those it begins with. */
export function scoreOf(name: string, words: readonly string[]): number {
  const own = wordsOf(name)
  const whole = words.filter((word) => own.includes(word)).length
  const first = words[0]
  const begins = first !== undefined && own[0]?.startsWith(first) === true ? 1 : 0
  // Among equals the shorter name is the closer one.
  return whole * 4 + begins * 2 + 1 / (1 + own.length)
}
