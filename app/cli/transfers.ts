import { AppError, isErrorCode } from '../contract/index.ts'
import type { Transfer } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import type { Context } from './context.ts'
import { formatProgress } from './format.ts'

const FINAL: ReadonlySet<Transfer['state']> = new Set(['done', 'failed', 'cancelled'])
/** Events bring progress; asking makes sure of the end even when one got lost. */
const ASK_EVERY_MS = 1000

/**
 * Waits until every one of these transfers has ended; one that somebody paused is waited for.
 * @returns them in the order of `ids`
 * @throws {AppError} `CANCELLED` when `signal` fires; the transfers are left as they are
 */
export function waitForTransfers(
  node: NodeConnection,
  ids: readonly string[],
  { onProgress, signal }: { onProgress: (transfers: readonly Transfer[]) => void; signal: AbortSignal },
): Promise<Transfer[]> {
  const known = new Map<string, Transfer>()
  const wanted = new Set(ids)
  const list = (): Transfer[] => ids.flatMap((id) => known.get(id) ?? [])
  const isOver = (): boolean => ids.every((id) => FINAL.has(known.get(id)?.state ?? 'queued'))

  return new Promise((resolve, reject) => {
    const learn = (transfers: readonly Transfer[]): void => {
      for (const transfer of transfers) if (wanted.has(transfer.id)) known.set(transfer.id, transfer)
      onProgress(list())
      if (isOver()) settle(() => resolve(list()))
    }
    let isAsking = false
    const ask = async (): Promise<void> => {
      if (isAsking) return
      isAsking = true
      try {
        const { transfers } = await node.call('transfers.list', {})
        const present = new Set(transfers.map(({ id }) => id))
        const lost = ids.find((id) => !present.has(id) && !FINAL.has(known.get(id)?.state ?? 'queued'))
        if (lost !== undefined)
          throw new AppError('CANCELLED', 'The transfer was taken off the list by somebody else.')
        learn(transfers)
      } catch (error) {
        settle(() => reject(error as Error))
      } finally {
        isAsking = false
      }
    }
    const onAbort = (): void => settle(() => reject(new AppError('CANCELLED', 'Cancelled.')))
    const stopListening = node.on('transfers.changed', ({ transfers }) => learn(transfers))
    const timer = setInterval(() => void ask(), ASK_EVERY_MS)
    const settle = (end: () => void): void => {
      clearInterval(timer)
      stopListening()
      signal.removeEventListener('abort', onAbort)
      end()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else void ask()
  })
}

/** Why a transfer ended without what was wanted, as something to throw; undefined when it is done. */
export function transferError(transfer: Transfer): AppError | undefined {
  if (transfer.state === 'done') return undefined
  const { error } = transfer
  if (transfer.state === 'cancelled' || error === undefined)
    return new AppError('CANCELLED', 'It was cancelled.')
  const code = isErrorCode(error.code) ? error.code : 'INTERNAL'
  return new AppError(code, error.message, error.hint === undefined ? {} : { hint: error.hint })
}

/** @throws {AppError} what the transfer failed with; `CANCELLED` when the user stopped it, and then it is cancelled */
export async function finishTransfer(context: Context, node: NodeConnection, id: string): Promise<Transfer> {
  const { terminal, signal } = context
  try {
    const [transfer] = await waitForTransfers(node, [id], {
      onProgress: (now) => terminal.progress(formatProgress(now)),
      signal,
    })
    if (transfer === undefined) throw new Error('the transfer has vanished')
    const error = transferError(transfer)
    if (error !== undefined) throw error
    return transfer
  } catch (error) {
    if (!signal.aborted) throw error
    // What has ended, or can only be finished, says so instead.
    await node.call('transfers.cancel', { id })
    throw new AppError('CANCELLED', 'Cancelled. The item is as it was.', { cause: error })
  }
}
