import { en } from './en.ts'

type Catalogue = typeof en
/** A key of the text catalogue. */
export type TextKey = keyof Catalogue

type TextOf<E> = E extends string ? E : E extends { readonly other: infer O extends string } ? O : never
type ParamsIn<S extends string> = S extends `${string}{${infer P}}${infer Rest}` ? P | ParamsIn<Rest> : never
/** Plural entries choose their form by `count`. */
type CountOf<E> = E extends string ? never : 'count'
type ParamNames<K extends TextKey> = ParamsIn<TextOf<Catalogue[K]>> | CountOf<Catalogue[K]>
type Params<K extends TextKey> = {
  readonly [P in ParamNames<K>]: P extends 'count' ? number : string | number
}
type Rest<K extends TextKey> = [ParamNames<K>] extends [never] ? [] : [params: Params<K>]

type Entry = string | { readonly one: string; readonly other: string }
export type AnyCatalogue = { readonly [K in TextKey]: Entry }

interface Active {
  readonly catalogue: AnyCatalogue
  readonly locale: string
  readonly plural: Intl.PluralRules
  readonly number: Intl.NumberFormat
}

const activate = (catalogue: AnyCatalogue, locale: string): Active => ({
  catalogue,
  locale,
  plural: new Intl.PluralRules(locale),
  number: new Intl.NumberFormat(locale),
})

let active: Active = activate(en, 'en')

/** Chooses the language; called once, before the first render. */
export function chooseCatalogue(catalogue: AnyCatalogue, locale: string): void {
  active = activate(catalogue, locale)
}

/** The language numbers, sizes and dates are written in. */
export function currentLocale(): string {
  return active.locale
}

const FIRST_STRONG_ISOLATE = '\u2068'
const POP_ISOLATE = '\u2069'

/**
 * The text of `key` with its parameters filled in: numbers in the user's notation, `{name}` isolated so that a
 * right-to-left file name can't reorder the sentence around it.
 */
export function t<K extends TextKey>(key: K, ...rest: Rest<K>): string {
  const params: Readonly<Record<string, string | number>> = rest[0] ?? {}
  const entry = active.catalogue[key]
  const count = params['count']
  const text =
    typeof entry === 'string'
      ? entry
      : active.plural.select(typeof count === 'number' ? count : 0) === 'one'
        ? entry.one
        : entry.other
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name]
    if (value === undefined) return whole
    if (typeof value === 'number') return active.number.format(value)
    return name === 'name' ? FIRST_STRONG_ISOLATE + value + POP_ISOLATE : value
  })
}
