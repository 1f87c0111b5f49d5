import { AppError } from '../contract/index.ts'
import type { ParsedLink } from './link.ts'

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

/** Whether somebody else than `origin` has it in another size than `origin` said. */
export function isOfOtherSize({ details }: AppError, origin: string): boolean {
  const others = details?.['otherSize']
  return Array.isArray(others) && others.some((label) => label !== origin)
}

/** All bytes of an encrypted item are there, and nobody said what they are. */
export function undescribed(): AppError {
  return new AppError(
    'NO_SOURCES',
    'All of this encrypted item has arrived, but nobody who was asked gave its description, so it can’t be kept yet.',
    {
      hint: 'Try again when its owner, or somebody else who has it in Sower, is online. Nothing is fetched twice.',
    },
  )
}

/** The link says how to open another item than the one it leads to. */
export function wrongKey(): AppError {
  return new AppError('LINK_INVALID', 'The key in this link does not open the item it leads to.', {
    hint: 'Ask for the link again, and copy it whole.',
  })
}

/** Nothing enforces the date in a link; a program that is asked to follow it does. */
export function refuseExpired({ expiresAtMs }: Pick<ParsedLink, 'expiresAtMs'>, nowMs: number): void {
  if (expiresAtMs === undefined || expiresAtMs > nowMs) return
  const date = new Date(expiresAtMs).toISOString().slice(0, 10)
  throw new AppError('LINK_INVALID', `Whoever made this link meant it to be used until ${date}.`, {
    hint: 'Ask them for a new one.',
    details: { reason: 'expired', expiresAtMs },
  })
}

/** Its plan is from another version, or damaged. */
export function unreadable(): AppError {
  return new AppError('CONFLICT', 'This download can’t be gone on with.', { hint: 'Paste its link again.' })
}
