import { resolve } from 'node:path'
import { AppError, toErrorShape } from '../contract/index.ts'
import type { Transfer } from '../contract/index.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import type { NodeConnection } from './connection.ts'
import { formatProgress } from './format.ts'
import { detailResult, detailText } from './item-result.ts'
import { peopleToShareWith } from './people.ts'
import { transferError, waitForTransfers } from './transfers.ts'

export interface AddOptions {
  readonly access: 'public' | 'private'
  readonly storage: 'auto' | 'copy' | 'link'
  readonly encrypt: boolean
  /** Who can read it, too: cards or contacts. */
  readonly to: readonly string[]
}

/** `sower add FILE…`: stores the files and says by what they can be fetched. */
export async function addCommand(
  context: Context,
  files: readonly string[],
  options: AddOptions,
): Promise<void> {
  const { terminal, signal } = context
  await withNode(
    context,
    async (node) => {
      const paths = files.map((file) => resolve(file))
      const isEncrypted = options.encrypt || options.to.length > 0
      // Said before a card becomes a contact for nothing.
      if (isEncrypted && options.access === 'public') throw publicAndSealed()
      const { transferIds } = await node.call('library.add', {
        paths,
        accessLevel: options.access,
        storage: options.storage,
        // A node that was started before an update does not know them.
        ...(isEncrypted ? { isEncrypted, people: await peopleToShareWith(node, options.to) } : {}),
      })
      const transfers = await waitOrCancel(node, transferIds, signal, (now) =>
        terminal.progress(formatProgress(now)),
      )
      const outcomes = []
      for (const [index, transfer] of transfers.entries())
        outcomes.push(await outcomeOf(node, files[index] ?? '', transfer))

      const failures = outcomes.flatMap(({ error }) => error ?? [])
      const [firstError] = failures
      const values = outcomes.map(({ value }) => value)
      // One file: its result or its error. Several: one list that says of each what became of it.
      if (outcomes.length > 1 || firstError === undefined) {
        terminal.result(
          values.length === 1 ? values[0] : values,
          outcomes.flatMap(({ text }) => text ?? []).join('\n'),
        )
      }
      if (!node.isRunning && failures.length < outcomes.length) {
        terminal.say(
          'Stored. No node is running here: it can be fetched from you while one runs (“sower serve”, or the app).',
        )
      }
      if (firstError === undefined) return
      for (const error of failures.slice(1)) if (!terminal.isJson) terminal.fail(error)
      throw firstError
    },
    { isStoppedByWork: true },
  )
}

function publicAndSealed(): AppError {
  return new AppError('BAD_REQUEST', 'What everybody may have can’t be encrypted for a few as well.', {
    hint: 'Leave out “--access public”, or “--encrypt” and “--to”.',
  })
}

interface Outcome {
  readonly value: unknown
  readonly text?: string
  readonly error?: AppError
}

async function outcomeOf(node: NodeConnection, file: string, transfer: Transfer): Promise<Outcome> {
  const error = transferError(transfer)
  if (error !== undefined) {
    const named = new AppError(
      error.code,
      `${file}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    )
    return { value: { path: file, error: toErrorShape(error) }, error: named }
  }
  if (transfer.mediaId === undefined) throw new Error('a finished transfer has no mediaId')
  const item = await node.call('library.get', { mediaId: transfer.mediaId })
  const { isDuplicate, isLinked } = transfer
  const remark = isDuplicate ? '\n  These bytes were in the library already; nothing was stored twice.' : ''
  return {
    value: { ...detailResult(item, node.isRunning), isDuplicate, isLinked },
    text: detailText(item) + remark,
  }
}

async function waitOrCancel(
  node: NodeConnection,
  ids: readonly string[],
  signal: AbortSignal,
  onProgress: (transfers: readonly Transfer[]) => void,
): Promise<Transfer[]> {
  try {
    return await waitForTransfers(node, ids, { onProgress, signal })
  } catch (error) {
    if (!signal.aborted) throw error
    // One that has ended meanwhile can't be cancelled, and need not be.
    await Promise.allSettled(ids.map((id) => node.call('transfers.cancel', { id })))
    throw new AppError(
      'CANCELLED',
      'Cancelled. What was not finished was removed again; your files are untouched.',
      {
        cause: error,
      },
    )
  }
}
