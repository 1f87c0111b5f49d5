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

/** @throws {AppError} `CONFLICT` while it is being encrypted anew */
export function requireSettled(isBusy: boolean): void {
  if (!isBusy) return
  throw new AppError('CONFLICT', 'This item is just being encrypted anew.', {
    hint: 'Wait until that is done, or cancel it under “Transfers”.',
  })
}
