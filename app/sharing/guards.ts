import { AppError } from '../contract/index.ts'
import type { ItemRow } from '../library/index.ts'

/** @throws {AppError} `NOT_FOUND` */
export function requireHeld(row: ItemRow | undefined): ItemRow {
  if (row === undefined) throw new AppError('NOT_FOUND', 'This item is not in the library.')
  return row
}

/** @throws {AppError} `FORBIDDEN` */
export function requireOwn(row: ItemRow): void {
  if (row.isOwn) return
  throw new AppError('FORBIDDEN', 'This item is somebody else’s: only its owner can say who may read it.', {
    hint: 'Ask its owner.',
  })
}

/** @throws {AppError} `CONFLICT` */
export function requireEncrypted(row: ItemRow): void {
  if (row.protection !== 'none') return
  const isPublic = row.accessLevel === 'public'
  throw new AppError(
    'CONFLICT',
    isPublic
      ? 'This item is public: everybody can read it already.'
      : 'This item is not encrypted: it is kept back for you alone, and there is no key to give to anybody.',
    { hint: isPublic ? 'Give them its link.' : 'Encrypt it first.' },
  )
}

/** What can be encrypted: kept back for its owner alone, in the clear. @throws {AppError} `CONFLICT` */
export function requireKeptInClear(row: ItemRow): void {
  if (row.protection !== 'none') {
    throw new AppError('CONFLICT', 'This item is encrypted already.', {
      hint: 'Share it with more people, or remove some.',
    })
  }
  if (row.accessLevel === 'public') {
    throw new AppError('CONFLICT', 'This item is public: whoever has it can read it, and keeps it.', {
      hint: 'Make it private first, then encrypt it.',
    })
  }
}
