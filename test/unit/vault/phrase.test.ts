import { entropyToMnemonic } from 'bip39'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entropyFromWords, wordsOf, WordsCheck } from '../../../app/vault/phrase.ts'
import { ABOUT, failure, fromWords, LEGAL, setUpVault } from './set-up.ts'

const invalid = (details: object): Error => failure('PHRASE_INVALID', { details }) as Error

describe('the words of a wallet', () => {
  it('come back to what they stand for, for any wallet, however they were typed', () => {
    const entropies = fc.oneof(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
    )
    const gaps = fc.constantFrom(' ', '  ', '\n', '\t ', ', ', '\u3000', '\u00a0')
    fc.assert(
      fc.property(entropies, gaps, fc.boolean(), fc.boolean(), (bytes, gap, isUpper, isNumbered) => {
        const words = wordsOf(bytes)
        expect(words.join(' ')).toBe(entropyToMnemonic(Buffer.from(bytes)))
        const typed = words
          .map((word, i) => (isNumbered ? `${i + 1}. ${word}` : word))
          .map((word) => (isUpper ? word.toUpperCase() : word))
          .join(gap)
        expect(entropyFromWords(`\n ${typed} `)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('say which one is no word, and never repeat it', () => {
    const typed = LEGAL.replace('wave', 'wawe')
    expect(() => entropyFromWords(typed)).toThrow(invalid({ reason: 'word', position: 5 }))
    expect(() => entropyFromWords(typed)).toThrow(/^Word 5 is not one/)
    expect(() => entropyFromWords(typed)).not.toThrow(/wawe/)
    expect(() => entropyFromWords(`${ABOUT} abou`)).toThrow(invalid({ reason: 'word', position: 13 }))
    expect(() => entropyFromWords('ábandon '.repeat(12))).toThrow(invalid({ reason: 'word', position: 1 }))
  })

  it('say how many there are when that is not right', () => {
    expect(() => entropyFromWords('')).toThrow(invalid({ reason: 'count', count: 0 }))
    expect(() => entropyFromWords('zoo')).toThrow(/this is 1/)
    for (const count of [11, 13, 15, 18, 21, 23, 25])
      expect(() => entropyFromWords('zoo '.repeat(count))).toThrow(invalid({ reason: 'count', count }))
  })

  it('say that they do not belong together', () => {
    expect(() => entropyFromWords('abandon '.repeat(12))).toThrow(invalid({ reason: 'checksum' }))
    const [first = '', second = '', ...rest] = LEGAL.split(' ')
    expect(() => entropyFromWords([second, first, ...rest].join(' '))).toThrow(
      invalid({ reason: 'checksum' }),
    )
  })

  it('are refused by the wallet without anything having changed', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const before = machine.everything()
    for (const words of ['', 'zoo', `${ABOUT} zoo`, ABOUT.replace('about', 'abuot'), 'abandon '.repeat(24)])
      await expect(vault.restore(fromWords(words), true)).rejects.toEqual(failure('PHRASE_INVALID'))
    expect(machine.everything()).toBe(before)
  })
})

describe('asking for three of the words', () => {
  it('asks for any three different ones, in order', () => {
    const check = new WordsCheck()
    const seen = new Set<number>()
    for (let i = 0; i < 500; i += 1) {
      const [a = 0, b = 0, c = 0, ...more] = check.ask(24)
      expect(more).toEqual([])
      expect(1 <= a && a < b && b < c && c <= 24).toBe(true)
      for (const position of [a, b, c]) seen.add(position)
    }
    expect(seen.size).toBe(24)
  })

  it('is passed with the right words and then the wallet is backed up, also after a restart', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    const { words } = await vault.reveal()
    const answer = (position: number): { position: number; word: string } => ({
      position,
      word: ` ${words[position - 1]?.toUpperCase()} `,
    })
    const positions = await vault.askWords()
    expect(vault.status().isBackedUp).toBe(false)
    let changes = 0
    vault.onChange(() => (changes += 1))
    expect(await vault.confirmWords(positions.toReversed().map(answer))).toMatchObject({ isBackedUp: true })
    expect(changes).toBe(1)
    expect((await machine.open()).status().isBackedUp).toBe(true)
    // Once answered, it is over.
    await expect(vault.confirmWords(positions.map(answer))).rejects.toEqual(failure('BAD_REQUEST'))
  })

  it('says which words were wrong, and goes on asking for the same ones', async () => {
    const vault = await setUpVault().open()
    await vault.restore(fromWords(ABOUT), false)
    const other = setUpVault()
    const fresh = await other.open()
    const { words } = await fresh.reveal()
    const [a = 0, b = 0, c = 0] = await fresh.askWords()
    const right = (position: number): { position: number; word: string } => ({
      position,
      word: words[position - 1] ?? '',
    })
    const wrong = (position: number): { position: number; word: string } => ({ position, word: 'zebra!' })
    await expect(fresh.confirmWords([wrong(a), right(b), wrong(c)])).rejects.toEqual(
      failure('PHRASE_INVALID', {
        message: `Not as it was shown: word ${a}, word ${c}. Nothing was changed.`,
        details: { reason: 'answers', positions: [a, c] },
      }),
    )
    expect(fresh.status().isBackedUp).toBe(false)
    expect(await fresh.confirmWords([right(a), right(b), right(c)])).toMatchObject({ isBackedUp: true })
  })

  it('takes no answers to what was not asked, nor one answer three times', async () => {
    const vault = await setUpVault().open()
    const { words } = await vault.reveal()
    const first = { position: 1, word: words[0] ?? '' }
    await expect(vault.confirmWords([first, first, first])).rejects.toEqual(failure('BAD_REQUEST'))
    await vault.askWords()
    await expect(vault.confirmWords([first, first, first])).rejects.toEqual(failure('BAD_REQUEST'))
    // What was asked of the wallet before is not asked of this one.
    const positions = await vault.askWords()
    await vault.create(12, '')
    const next = await vault.reveal()
    const answers = positions.map((position) => ({ position, word: next.words[position - 1] ?? '' }))
    await expect(vault.confirmWords(answers)).rejects.toEqual(failure('BAD_REQUEST'))
    expect(vault.status().isBackedUp).toBe(false)
  })

  it('needs an open wallet that is still where it was', async () => {
    const machine = setUpVault()
    const vault = await machine.open()
    machine.keychain.failure = { code: 'KEYCHAIN_LOCKED' }
    await expect(vault.reveal()).rejects.toEqual(failure('KEYCHAIN_LOCKED'))
    await expect((await machine.open()).reveal()).rejects.toEqual(failure('KEYCHAIN_LOCKED'))
    machine.keychain.failure = undefined
    machine.keychain.entries.clear()
    await expect(vault.reveal()).rejects.toEqual(failure('WALLET_MISSING'))
    expect(vault.status().state).toBe('ready')
  })
})
