export type LogFields = Readonly<Record<string, unknown>>

/** Structured log: an event name in `area.verb` form and fields, not prose. */
export interface Log {
  /** A human must act. */
  error(event: string, fields?: LogFields): void
  /** Degraded, but working. */
  warn(event: string, fields?: LogFields): void
  /** A state change worth a line. */
  info(event: string, fields?: LogFields): void
  debug(event: string, fields?: LogFields): void
  /** The same log with `area` on every line. */
  child(area: string): Log
}

const ignore = (): void => undefined

/** Swallows everything; for tests and short-lived commands. */
export const silentLog: Log = {
  error: ignore,
  warn: ignore,
  info: ignore,
  debug: ignore,
  child: () => silentLog,
}
