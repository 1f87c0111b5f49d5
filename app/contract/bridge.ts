import type {
  EngineArgs,
  EngineCallName,
  EngineEventName,
  EngineEventPayload,
  EngineResult,
} from './calls.ts'
import type {
  DesktopArgs,
  DesktopCallName,
  DesktopEventName,
  DesktopEventPayload,
  DesktopResult,
} from './desktop.ts'
import type { ErrorShape } from './errors.ts'

/** Every call answers with a value or an error shape; nothing is thrown across a boundary. */
export type Reply<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorShape }

/** What the preload exposes as `window.sower`; the browser build of the renderer makes the same from HTTP. */
export interface SowerBridge {
  call<N extends EngineCallName>(name: N, args: EngineArgs<N>): Promise<Reply<EngineResult<N>>>
  call<N extends DesktopCallName>(name: N, args: DesktopArgs<N>): Promise<Reply<DesktopResult<N>>>
  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void
  on<N extends DesktopEventName>(name: N, listener: (payload: DesktopEventPayload<N>) => void): () => void
  /** The absolute path of a dropped or picked `File` (its type lives in the DOM, not here); empty in a browser. */
  pathForFile(file: object): string
  /** Where a player or an image reads an item from: the file itself, decrypted where it is encrypted. */
  mediaUrl(mediaId: string): string
  /** The same of a download that is not complete yet (`Transfer.isPlayable`). */
  transferUrl(transferId: string): string
  readonly platform: 'linux' | 'darwin' | 'win32' | 'browser'
}
