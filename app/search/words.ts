/** Terms that are looked for at most; more only make a search slower, not better. */
const MAX_TERMS = 8

/** Letters that are written with others where a keyboard lacks them, and do not come apart by themselves. */
const SPELLED: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ı: 'i',
  ς: 'σ',
}
const SPELLED_LETTERS = new RegExp(`[${Object.keys(SPELLED).join('')}]`, 'g')

/** Scripts whose words are not parted by anything. */
const UNPARTED = ['Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('')
/** A stretch of them, without their punctuation; a pictograph; or a word. */
const WORD = new RegExp(
  `(?:(?=[\\p{L}\\p{N}])[${UNPARTED}])+|[\\p{Extended_Pictographic}\\p{Regional_Indicator}]|(?:(?![${UNPARTED}])[\\p{L}\\p{N}])+`,
  'gu',
)
const IS_UNPARTED = new RegExp(`^(?=[\\p{L}\\p{N}])[${UNPARTED}]`, 'u')
const IS_PICTOGRAPH = /^[\p{Extended_Pictographic}\p{Regional_Indicator}]$/u

/** A text as it is compared: case, accents, width and ways of spelling a letter don't matter. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(SPELLED_LETTERS, (letter) => SPELLED[letter] ?? letter)
}

/** The words of a text, folded: a stretch in a script that parts no words is one, and so is each pictograph. */
export function wordsOf(text: string): string[] {
  return fold(text).match(WORD) ?? []
}

/** What the index holds of a name: words as they are; of a stretch that may hold several, each letter and each two that follow one another. */
export function termsOf(name: string): string {
  return wordsOf(name)
    .flatMap((word) =>
      IS_UNPARTED.test(word) ? [...new Set([...lettersOf(word), ...pairsOf(word)])] : [asTerm(word)],
    )
    .join(' ')
}

/** The full-text query for entries with all of the words, each also as the beginning of a longer one, or in a stretch. */
export function matchQuery(words: readonly string[]): string {
  return words
    .flatMap((word) => {
      if (IS_UNPARTED.test(word)) return (pairsOf(word)[0] === undefined ? [word] : pairsOf(word)).map(quoted)
      // One letter begins half of all words: it only counts as a word of its own.
      return [quoted(asTerm(word)) + (word.length > 1 && !IS_PICTOGRAPH.test(word) ? ' *' : '')]
    })
    .slice(0, MAX_TERMS)
    .join(' AND ')
}

/** Whether a name holds each stretch as it was asked for: the index knows no more than that its pairs are there. */
export function holdsStretches(name: string, words: readonly string[]): boolean {
  const stretches = words.filter((word) => IS_UNPARTED.test(word))
  if (stretches.length === 0) return true
  const own = wordsOf(name)
  return stretches.every((stretch) => own.some((word) => word.includes(stretch)))
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

/** The full-text index takes letters and digits only: a pictograph stands in it as the number of its character. */
function asTerm(word: string): string {
  return IS_PICTOGRAPH.test(word) ? `pictograph${String(word.codePointAt(0))}` : word
}

function lettersOf(word: string): string[] {
  return word.match(/./gu) ?? []
}

function pairsOf(word: string): string[] {
  const letters = lettersOf(word)
  return letters.slice(1).map((letter, index) => `${letters[index] ?? ''}${letter}`)
}

function quoted(term: string): string {
  return `"${term}"`
}
