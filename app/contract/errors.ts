/**
 * The closed set of error codes. Each has its HTTP status and, in the renderer's catalogue, its words under `error.<CODE>`.
 * Codes are never reused. `docs/errors.md` lists the same set (a test compares them).
 */
export const ERROR_STATUS = {
  BAD_REQUEST: 400,
  LINK_INVALID: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  KEY_NEEDED: 403,
  NOT_FOUND: 404,
  WITHDRAWN: 410,
  NO_SOURCES: 404,
  CONFLICT: 409,
  BACKUP_NEEDED: 409,
  NODE_ALREADY_RUNNING: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  MISDIRECTED: 421,
  SOURCE_UNREADABLE: 422,
  SOURCE_NOT_A_FILE: 422,
  SOURCE_EMPTY: 422,
  SOURCE_CHANGED: 422,
  HASH_MISMATCH: 422,
  SIGNATURE_INVALID: 422,
  MANIFEST_INVALID: 422,
  METAINFO_INVALID: 422,
  CARD_INVALID: 422,
  PHRASE_INVALID: 422,
  BACKUP_INVALID: 422,
  ENVELOPE_INVALID: 422,
  CIPHERTEXT_INVALID: 422,
  UNSAFE_ADDRESS: 422,
  RATE_LIMITED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  DATABASE_CORRUPT: 500,
  DATABASE_NEWER: 500,
  SOURCE_FAILED: 502,
  UNAVAILABLE: 503,
  NODE_NOT_RUNNING: 503,
  PORT_IN_USE: 503,
  MEDIA_OFFLINE: 503,
  MEDIA_READ_ONLY: 503,
  KEYCHAIN_LOCKED: 503,
  KEYCHAIN_ABSENT: 503,
  KEYCHAIN_DENIED: 503,
  WALLET_MISSING: 503,
  WALLET_WRONG_PASSPHRASE: 503,
  WALLET_DAMAGED: 503,
  LIT_UNAVAILABLE: 503,
  TIMEOUT: 504,
  DISK_FULL: 507,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

/** How an error crosses a process or network boundary. */
export interface ErrorShape {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
}

interface AppErrorOptions extends ErrorOptions {
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * An expected failure. `message` says in plain words what happened and what is safe; `hint` what to do next.
 * Anything else that is thrown is a bug and reaches the other side as `INTERNAL` without detail.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint
    this.details = options.details
  }
}

/** Whether what came over a boundary is one of the codes in {@link ERROR_STATUS}. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_STATUS, value)
}

/** The form in which `error` crosses a boundary; a bug becomes `INTERNAL` with nothing of it leaking. */
export function toErrorShape(error: unknown): ErrorShape {
  if (!(error instanceof AppError)) {
    return { code: 'INTERNAL', message: 'Something went wrong inside Sower. Your media are untouched.' }
  }
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.details === undefined ? {} : { details: error.details }),
  }
}

/** The error a boundary received, as something to throw on this side. */
export function fromErrorShape(shape: ErrorShape): AppError {
  return new AppError(isErrorCode(shape.code) ? shape.code : 'INTERNAL', shape.message, {
    ...(shape.hint === undefined ? {} : { hint: shape.hint }),
    ...(shape.details === undefined ? {} : { details: shape.details }),
  })
}
