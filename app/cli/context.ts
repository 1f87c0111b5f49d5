import { AppError } from '../contract/index.ts'
import type { Notice } from '../contract/index.ts'
import { whenAborted } from './abort.ts'
import { openNode } from './connection.ts'
import type { NodeConnection, NodeOptions } from './connection.ts'
import type { Terminal } from './terminal.ts'

/** What every command gets. */
export interface Context {
  readonly terminal: Terminal
  readonly node: NodeOptions
  /** Fires at Ctrl-C, SIGTERM, or when the process that started this one is gone. */
  readonly signal: AbortSignal
}

interface WorkOptions {
  /** The work sees to `context.signal` itself; else it is abandoned when that fires. */
  readonly isStoppedByWork?: boolean
  /** Says what the engine of this command had to report (a damaged file moved aside …): nobody else ever hears of it. */
  readonly isTellingNotices?: boolean
}

/**
 * Runs `work` with a node and lets go of it afterwards, whatever happens.
 * @throws {AppError} `CANCELLED`, or what the work throws
 */
export async function withNode<T>(
  context: Context,
  work: (node: NodeConnection) => Promise<T>,
  { isStoppedByWork = false, isTellingNotices = true }: WorkOptions = {},
): Promise<T> {
  const { signal } = context
  const node = await openNode({ ...context.node, signal }).catch((cause: unknown) => {
    throw signal.aborted ? new AppError('CANCELLED', 'Cancelled.', { cause }) : cause
  })
  if (signal.aborted) {
    await node.close()
    throw new AppError('CANCELLED', 'Cancelled.')
  }
  try {
    return await (isStoppedByWork ? work(node) : Promise.race([work(node), whenAborted(signal)]))
  } finally {
    if (isTellingNotices && !node.isRunning) await tellNotices(node, context.terminal)
    await node.close()
  }
}

/** Says what went wrong at the start, and what became of it. */
export async function tellNotices(node: NodeConnection, terminal: Terminal): Promise<void> {
  const { notices } = await node.call('node.status', {})
  for (const notice of notices) tellNotice(notice, terminal)
}

export function tellNotice({ level, message, hint }: Notice, terminal: Terminal): void {
  if (level === 'info') return
  terminal.say(`Warning: ${message}${hint === undefined ? '' : ` ${hint}`}`)
}
