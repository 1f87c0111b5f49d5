import { AppError, engineCalls, toErrorShape } from './contract/index.ts'
import type { EngineCallName, EngineHandlers, Reply } from './contract/index.ts'
import type { Log } from './ports/log.ts'

export function isEngineCallName(name: string): name is EngineCallName {
  return Object.hasOwn(engineCalls, name)
}

/**
 * The one edge of the engine: validates a call's arguments against the contract, runs its handler and turns whatever
 * happens into a reply. Window, HTTP and CLI all come through here; nothing behind it validates again.
 */
export async function dispatch(
  handlers: EngineHandlers,
  name: string,
  args: unknown,
  log: Log,
): Promise<Reply<unknown>> {
  try {
    if (!isEngineCallName(name))
      throw new AppError('NOT_FOUND', `There is no call named “${name.slice(0, 64)}”.`)
    const parsed = engineCalls[name].args.safeParse(args)
    if (!parsed.success) {
      throw new AppError('BAD_REQUEST', `The call ${name} was given something it does not take.`, {
        details: {
          issues: parsed.error.issues.map((issue) => ({
            path: issue.path.join('.'),
            message: issue.message,
          })),
        },
      })
    }
    // The table types handler and schema by the same name; TypeScript can't follow that through a union of names.
    const handler = handlers[name] as (args: unknown) => Promise<unknown>
    return { ok: true, value: await handler(parsed.data) }
  } catch (error) {
    if (!(error instanceof AppError)) log.error('call.bug', { name, error })
    return { ok: false, error: toErrorShape(error) }
  }
}
