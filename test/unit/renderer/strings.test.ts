import { afterEach, describe, expect, it } from 'vitest'
import { ERROR_STATUS } from '../../../app/contract/index.ts'
import { en } from '../../../renderer/strings/en.ts'
import { errorWords } from '../../../renderer/strings/error-words.ts'
import { pseudoCatalogue } from '../../../renderer/strings/pseudo.ts'
import { chooseCatalogue, t } from '../../../renderer/strings/t.ts'

afterEach(() => chooseCatalogue(en, 'en'))

describe('the text catalogue', () => {
  it('has words and a next step for every error code, and for no other', () => {
    const inCatalogue = Object.keys(en).filter((key) => key.startsWith('error.'))
    const expected = Object.keys(ERROR_STATUS).flatMap((code) => [`error.${code}`, `error.${code}.next`])
    expect(inCatalogue.sort()).toEqual(expected.sort())
  })

  it('counts in the forms of the language and writes numbers its way', () => {
    expect(t('state.seedingTo', { count: 1 })).toBe('Seeding to 1 person')
    expect(t('state.seedingTo', { count: 1200 })).toBe('Seeding to 1,200 people')
    chooseCatalogue(en, 'de')
    expect(t('library.total', { count: 10_000 })).toBe('10.000 items')
  })

  it('isolates names so that they cannot reorder the sentence', () => {
    expect(t('access.nowPublic', { name: 'מסמך.pdf' })).toBe('\u2068מסמך.pdf\u2069 is public now')
  })

  it('keeps each parameter of each entry in the pseudo-language', () => {
    const pseudo = pseudoCatalogue(en)
    const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()
    for (const [key, entry] of Object.entries(en)) {
      const other: unknown = pseudo[key as keyof typeof en]
      const texts = typeof entry === 'string' ? [entry] : [entry.one, entry.other]
      const pseudoTexts = typeof other === 'string' ? [other] : Object.values(other as Record<string, string>)
      expect(pseudoTexts.map(placeholders), key).toEqual(texts.map(placeholders))
    }
  })

  it('prefers the engine’s own hint to the general one', () => {
    expect(errorWords({ code: 'DISK_FULL', message: 'm', hint: 'Empty the trash.' })).toEqual({
      title: 'The disk is full',
      next: 'Empty the trash.',
    })
    expect(errorWords({ code: 'NOT_A_CODE', message: 'Something new' })).toEqual({ title: 'Something new' })
  })
})
