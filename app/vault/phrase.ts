import { randomInt } from 'node:crypto'
import { entropyToMnemonic, mnemonicToEntropy, wordlists } from 'bip39'
import { AppError } from '../contract/index.ts'

const WORDS = new Set(wordlists['english'])

/** The words of a wallet, as they are written down. @param entropy 16 or 32 bytes; left untouched */
export function wordsOf(entropy: Uint8Array): string[] {
  return entropyToMnemonic(Buffer.from(entropy)).split(' ')
}

/**
 * The entropy of words as somebody typed them: any case, any white space between them, and the numbers of a list left in.
 * @returns 16 or 32 bytes the caller wipes
 * @throws {AppError} `PHRASE_INVALID`: which word (by its position; the word itself is never repeated), how many, or that they do
 * not belong together in this order
 */
export function entropyFromWords(text: string): Buffer {
  const words = splitWords(text)
  const unknown = words.findIndex((word) => !WORDS.has(word))
  if (unknown >= 0) {
    throw invalid(
      `Word ${unknown + 1} is not one of the words wallets are made of.`,
      'Look for a typing mistake in it, and compare it with what you wrote down.',
      { reason: 'word', position: unknown + 1 },
    )
  }
  if (words.length !== 12 && words.length !== 24) {
    throw invalid(
      `A wallet has 12 or 24 words; ${words.length === 1 ? 'this is 1' : `these are ${words.length}`}.`,
      'Enter all of them, in their order.',
      { reason: 'count', count: words.length },
    )
  }
  try {
    return Buffer.from(mnemonicToEntropy(words.join(' ')), 'hex')
  } catch {
    // The library's error says nothing more.
    throw invalid(
      'Every one of these words is right by itself, but they do not belong together in this order.',
      'Compare each word and its place with what you wrote down: two may be swapped, or one may be a similar word.',
      { reason: 'checksum' },
    )
  }
}

/** A typed word as the list has it. */
export function plainWord(word: string): string {
  return word.normalize('NFKD').trim().toLowerCase()
}

function splitWords(text: string): string[] {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .split(/[\s,;]+/)
    .map((word) => word.replace(/^\d+[.):]?/, ''))
    .filter((word) => word !== '')
}

/** Asks for three of the words, to see that they were written down. */
export class WordsCheck {
  #asked: readonly number[] = []

  /** @returns three different positions from 1, in order, remembered until they are answered or asked anew */
  ask(wordCount: number): number[] {
    const positions = new Set<number>()
    while (positions.size < 3) positions.add(randomInt(1, wordCount + 1))
    this.#asked = [...positions].toSorted((a, b) => a - b)
    return [...this.#asked]
  }

  /**
   * @param words those of the wallet
   * @throws {AppError} `PHRASE_INVALID` naming the positions that are not right; `BAD_REQUEST` for others than were asked
   */
  confirm(
    words: readonly string[],
    answers: readonly { readonly position: number; readonly word: string }[],
  ): void {
    const positions = answers.map(({ position }) => position).toSorted((a, b) => a - b)
    if (this.#asked.length === 0 || positions.join() !== this.#asked.join()) {
      throw new AppError('BAD_REQUEST', 'These are not the words that were asked for.', {
        hint: 'Start the question again.',
      })
    }
    const wrong = answers
      .filter(({ position, word }) => plainWord(word) !== words[position - 1])
      .map(({ position }) => position)
      .toSorted((a, b) => a - b)
    if (wrong.length > 0) {
      throw invalid(
        `Not as it was shown: ${wrong.map((position) => `word ${position}`).join(', ')}.`,
        'Compare with what you wrote down, or look at the words once more.',
        { reason: 'answers', positions: wrong },
      )
    }
    this.forget()
  }

  forget(): void {
    this.#asked = []
  }
}

function invalid(message: string, hint: string, details: Readonly<Record<string, unknown>>): AppError {
  return new AppError('PHRASE_INVALID', `${message} Nothing was changed.`, { hint, details })
}
