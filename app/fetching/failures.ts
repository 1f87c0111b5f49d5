import { AppError } from '../contract/index.ts'

/** The bytes are not the ones asked for, and nobody is left to ask. */
export function mismatch(sources: readonly string[]): AppError {
  const who = sources.length === 0 ? '' : ` (from ${sources.join(', ')})`
  return new AppError(
    'HASH_MISMATCH',
    `What arrived${who} is not the item that was asked for. Nothing was kept.`,
    {
      hint: 'Try another source, or ask for the link again.',
      details: { sources: [...sources] },
    },
  )
}

/** There is nobody (left) to ask. */
export function nobody(refused: readonly string[], notes: readonly string[]): AppError {
  if (refused.length > 0) return mismatch(refused)
  if (notes.length > 0)
    return new AppError('NO_SOURCES', `Nobody who was asked gives this item. ${notes.join(' ')}`)
  return new AppError('NO_SOURCES', 'The link does not say where to get this item.', {
    hint: 'Add a source: the address of a node (http://host:8765), or host:port of somebody who has it.',
  })
}

/** Not about this machine, so that somebody else could still help. */
export function isAboutSources({ code }: AppError): boolean {
  return !/^(DISK|MEDIA|CANCELLED)/.test(code)
}
