import type { EngineCallName, EngineEventName } from './calls.ts'
import type { ErrorShape } from './errors.ts'
import type { Reply } from './bridge.ts'
import type { SettingsPatch } from './settings.ts'

/**
 * Messages between the main process and the engine process (structured clone; the same over
 * `utilityProcess` and `child_process.fork`). The engine says `ready` once, or `failed` and exits.
 */
export type ToEngine =
  | { readonly type: 'start'; readonly options: EngineStartOptions }
  | { readonly type: 'call'; readonly id: number; readonly name: EngineCallName; readonly args: unknown }
  | { readonly type: 'stop' }

export type FromEngine =
  | { readonly type: 'booted' }
  | { readonly type: 'ready'; readonly addresses: EngineAddresses }
  | { readonly type: 'failed'; readonly error: ErrorShape; readonly dataDir: string | null }
  | { readonly type: 'reply'; readonly id: number; readonly reply: Reply<unknown> }
  | { readonly type: 'event'; readonly name: EngineEventName; readonly payload: unknown }
  | { readonly type: 'stopped' }

/** What the starter decides; everything else is settings. */
export interface EngineStartOptions {
  /** Absolute path of the data folder (database, settings, logs, node key); `null` = the usual one of this system. */
  readonly dataDir: string | null
  /** Values given on the command line; they win over environment and settings file. */
  readonly flags: Readonly<Record<string, unknown>>
  /** Settings to change before starting, kept in the settings file (what the user chose so that it can start). */
  readonly changes?: SettingsPatch
  /** `desktop`: keychain expected; `headless`: passphrase file or key file allowed. */
  readonly mode: 'desktop' | 'headless'
}

export interface EngineAddresses {
  readonly dataDir: string
  readonly url: string
  readonly controlUrl: string
  readonly controlToken: string
  readonly peerPort: number
  readonly nodeId: string
  readonly owner: string | null
}
