import { z } from 'zod'
import { ErrorInfo } from './model.ts'

const Nothing = z.object({})

/** Choices that belong to this window, not to the node; kept by the main process so that they work without an engine. */
export const DesktopPrefs = z.object({
  theme: z.enum(['auto', 'light', 'dark']),
  /** What closing the window does; `ask` until the user chose. */
  closeAction: z.enum(['ask', 'tray', 'quit']),
  isStartAtLogin: z.boolean(),
})
export type DesktopPrefs = z.output<typeof DesktopPrefs>

/**
 * The engine process as the main process sees it: starting → running ⇄ restarting; `failed` after repeated or
 * configuration failures, with the cause and what would fix it.
 */
export const EngineState = z.object({
  state: z.enum(['starting', 'running', 'restarting', 'failed', 'stopped']),
  /** Times it came back by itself since the app started. */
  restarts: z.int(),
  error: ErrorInfo.optional(),
  /** What one button can do about `error`. */
  fix: z.enum(['retry', 'free-port', 'choose-folder', 'open-logs']).optional(),
})
export type EngineState = z.output<typeof EngineState>

const call = <A extends z.ZodType, R extends z.ZodType>(args: A, result: R) => ({ args, result })

/** What the window can ask of the main process (absent in a browser). */
export const desktopCalls = {
  'desktop.pickFiles': call(Nothing, z.object({ paths: z.array(z.string()) })),
  'desktop.pickFolder': call(Nothing, z.object({ path: z.string().nullable() })),
  /** Where to save a file the engine is going to write; `null` when the user thought better of it. The dialog asks before replacing. */
  'desktop.pickSavePath': call(
    z.strictObject({ suggestedName: z.string().max(255) }),
    z.object({ path: z.string().nullable() }),
  ),
  /** Asks where to and writes a small text there (a card, a sealed backup). */
  'desktop.saveText': call(
    z.strictObject({ suggestedName: z.string().max(255), text: z.string().max(65_536) }),
    z.object({ isSaved: z.boolean() }),
  ),
  /** Asks for a small text file (a card, a sealed backup) and reads it. */
  'desktop.openText': call(Nothing, z.object({ text: z.string().nullable() })),
  'desktop.showItem': call(z.strictObject({ mediaId: z.string().regex(/^[0-9a-f]{64}$/) }), Nothing),
  'desktop.openLogs': call(Nothing, Nothing),
  'desktop.openExternal': call(z.strictObject({ url: z.string().max(2048) }), Nothing),
  'desktop.copyText': call(z.strictObject({ text: z.string().max(65_536) }), Nothing),
  'desktop.readClipboardText': call(Nothing, z.object({ text: z.string() })),
  'desktop.getPrefs': call(Nothing, DesktopPrefs),
  'desktop.setPrefs': call(DesktopPrefs.partial().strict(), DesktopPrefs),
  'desktop.engineState': call(Nothing, EngineState),
  /** Tries again after a failure; with `fix: 'free-port'` on the next free ports. */
  'desktop.restartEngine': call(z.strictObject({ fix: EngineState.shape.fix }), Nothing),
  /** The answer to `desktop.closeAsked`. */
  'desktop.closeWindow': call(
    z.strictObject({ action: z.enum(['tray', 'quit', 'cancel']), isRemembered: z.boolean() }),
    Nothing,
  ),
} as const
export type DesktopCalls = typeof desktopCalls
export type DesktopCallName = keyof DesktopCalls
export type DesktopArgs<N extends DesktopCallName> = z.input<DesktopCalls[N]['args']>
export type DesktopParsedArgs<N extends DesktopCallName> = z.output<DesktopCalls[N]['args']>
export type DesktopResult<N extends DesktopCallName> = z.output<DesktopCalls[N]['result']>
export type DesktopHandlers = {
  readonly [N in DesktopCallName]: (args: DesktopParsedArgs<N>) => Promise<DesktopResult<N>>
}

export const desktopEvents = {
  'desktop.engineChanged': EngineState,
  'desktop.prefsChanged': DesktopPrefs,
  /** A `sower:` or `magnet:` link was opened; the window shows the paste-a-link sheet filled in. */
  'desktop.linkOpened': z.object({ link: z.string() }),
  /** Files were given on the command line or dropped on the tray icon. */
  'desktop.filesOpened': z.object({ paths: z.array(z.string()) }),
  /** The window is being closed and the user has not chosen yet what that means. */
  'desktop.closeAsked': z.object({ uploadingTo: z.int() }),
  /** A menu item or global shortcut: what to show. */
  'desktop.navigate': z.object({
    to: z.enum([
      'library',
      'discover',
      'contacts',
      'transfers',
      'network',
      'wallet',
      'settings',
      'add',
      'paste-link',
      'search',
      'shortcuts',
    ]),
  }),
} as const
export type DesktopEvents = typeof desktopEvents
export type DesktopEventName = keyof DesktopEvents
export type DesktopEventPayload<N extends DesktopEventName> = z.output<DesktopEvents[N]>
