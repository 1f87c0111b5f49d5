import type { ErrorShape } from '../../app/contract/index.ts'
import { en } from './en.ts'
import { t, type TextKey } from './t.ts'

const isTextKey = (key: string): key is TextKey => Object.hasOwn(en, key)
// Only parameterless entries live under `error.`; the cast spares naming each of them.
const plain = (key: string): string | undefined => (isTextKey(key) ? t(key as 'error.INTERNAL') : undefined)

/**
 * The words for an error: what happened, and what to do next. The engine's own message stays beside it because it
 * names the file, port or host.
 */
export function errorWords(
  error: Pick<ErrorShape, 'message'> & { code: string; hint?: string | undefined },
): {
  title: string
  next?: string
} {
  const next = error.hint ?? plain(`error.${error.code}.next`)
  return {
    title: plain(`error.${error.code}`) ?? error.message,
    ...(next === undefined ? {} : { next }),
  }
}
