import { AppError } from '../contract/index.ts'
import type { ErrorCode } from '../contract/index.ts'

export function isErrorWith(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && codes.includes(error.code)
}

export function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such item in this library.')
}
