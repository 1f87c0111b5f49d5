import { ipcMain } from 'electron'
import { AppError, desktopCalls, engineCalls, toErrorShape } from '../app/contract/index.ts'
import type { DesktopCallName, DesktopHandlers, EngineCallName, Reply } from '../app/contract/index.ts'
import { isTrustedSender } from './security-rules.ts'

/** The one channel for calls and the one for events; names of calls travel inside. */
export const CALL_CHANNEL = 'sower:call'
export const EVENT_CHANNEL = 'sower:event'

interface IpcInit {
  readonly callEngine: (name: EngineCallName, args: unknown) => Promise<Reply<unknown>>
  readonly desktop: DesktopHandlers
  /** The page listens now; it only calls once it does. */
  readonly onCall: () => void
  readonly onBug: (name: string, error: unknown) => void
}

/** Refuses strangers, sends engine calls on (the engine validates them), validates and runs the window's own. */
export function registerIpc(init: IpcInit): void {
  ipcMain.handle(CALL_CHANNEL, async (event, name: unknown, args: unknown): Promise<Reply<unknown>> => {
    if (!isTrustedSender(event.senderFrame)) {
      return refusal('FORBIDDEN', 'Only Sower’s own window may ask for this.')
    }
    init.onCall()
    if (typeof name !== 'string') return refusal('BAD_REQUEST', 'A call needs a name.')
    if (Object.hasOwn(engineCalls, name)) return init.callEngine(name as EngineCallName, args)
    if (Object.hasOwn(desktopCalls, name)) return callDesktop(init, name as DesktopCallName, args)
    return refusal('NOT_FOUND', 'There is no such call.')
  })
}

async function callDesktop(init: IpcInit, name: DesktopCallName, args: unknown): Promise<Reply<unknown>> {
  try {
    const parsed = desktopCalls[name].args.safeParse(args)
    if (!parsed.success)
      throw new AppError('BAD_REQUEST', `The call ${name} was given something it does not take.`)
    // Handler and schema share the name; TypeScript can't follow that through a union of names.
    const handler = init.desktop[name] as (args: unknown) => Promise<unknown>
    return { ok: true, value: await handler(parsed.data) }
  } catch (error) {
    if (!(error instanceof AppError)) init.onBug(name, error)
    return { ok: false, error: toErrorShape(error) }
  }
}

function refusal(code: 'FORBIDDEN' | 'BAD_REQUEST' | 'NOT_FOUND', message: string): Reply<unknown> {
  return { ok: false, error: { code, message } }
}
