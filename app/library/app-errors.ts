import { AppError } from '../contract/index.ts'
import type { ErrorCode } from '../contract/index.ts'

export function isErrorWith(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && codes.includes(error.code)
}

export function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such item in this library.')
}

/** A version that says of the same bytes that they are encrypted, or are not, when the one before said otherwise. */
export function otherBytes(): AppError {
  return new AppError(
    'MANIFEST_INVALID',
    'This manifest was refused: it says something else of whether the bytes are encrypted than the version before it.',
    {
      hint: 'Nothing was changed. Ask whoever gave it to you for the original.',
      details: { reason: 'schema' },
    },
  )
}
