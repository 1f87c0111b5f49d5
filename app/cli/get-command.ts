import { AppError } from '../contract/index.ts'
import type { ItemDetail, Transfer } from '../contract/index.ts'
import { whenAborted } from './abort.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import type { NodeConnection } from './connection.ts'
import { formatProgress } from './format.ts'
import { detailResult, detailText } from './item-result.ts'
import { checkTarget, copyOut, targetFor } from './copy-out.ts'
import { readSecretLine } from './secret-input.ts'
import { finishTransfer, transferError, waitForTransfers } from './transfers.ts'

export interface GetOptions {
  readonly from: readonly string[]
  readonly out?: string
  readonly force: boolean
  /** Seed it afterwards; undefined = as the settings say. */
  readonly seed?: boolean
  /** Goes on looking for as long as nobody has it. */
  readonly wait: boolean
}

/** For anybody who has it. */
const GIVE_UP_AFTER_MS = 20_000
/** The node itself ends what nobody waits longer for by then; what goes on is waited for by somebody else. */
const LEAVE_AFTER_MS = 60_000

/** `sower get LINK`: fetches, verifies, keeps, and with --out also writes a copy where the user wants it. */
export async function getCommand(context: Context, link: string, options: GetOptions): Promise<void> {
  const { terminal, signal } = context
  const wanted = link === '-' ? await readLink(signal) : link
  // Before a long download, not after it.
  if (options.out !== undefined) checkTarget(options.out, options.force)
  await withNode(
    context,
    async (node) => {
      const { seeding } = await node.call('node.status', {})
      if (seeding.isPaused)
        terminal.say('All swarm traffic is paused here: until “sower resume” only web sources give anything.')
      const { transferId } = await node.call('fetching.start', {
        link: wanted,
        from: [...options.from],
        ...(options.seed === undefined ? {} : { isSeedingWanted: options.seed }),
        ...(options.wait ? {} : { giveUpAfterMs: GIVE_UP_AFTER_MS }),
      })
      const leaving = new AbortController()
      let offeredAtMs = performance.now()
      const onProgress = (now: readonly Transfer[]): void => {
        terminal.progress(formatProgress(now))
        const isUnoffered = now.every((one) => one.state === 'active' && one.isUnoffered)
        if (options.wait || !isUnoffered) offeredAtMs = performance.now()
        else if (performance.now() - offeredAtMs > LEAVE_AFTER_MS) leaving.abort()
      }
      const transfer = await waitOrPause(node, transferId, { signal, leaving: leaving.signal, onProgress })
      const error = transferError(transfer)
      if (error?.code === 'NO_SOURCES' && !options.wait) throw withWaitHint(error)
      if (error !== undefined) throw error
      if (transfer.mediaId === undefined) throw new Error('a finished transfer has no mediaId')
      const item = await node.call('library.get', { mediaId: transfer.mediaId })
      const out = options.out === undefined ? undefined : targetFor(options.out, item.name)
      if (out !== undefined) await writeOut(context, node, item, { target: out, isForced: options.force })
      terminal.result(
        {
          ...detailResult(item, node.isRunning),
          isDuplicate: transfer.isDuplicate,
          ...(out === undefined ? {} : { out }),
        },
        out === undefined ? detailText(item) : `${detailText(item)}\n  file    ${out}`,
      )
    },
    { isStoppedByWork: true },
  )
}

/** With a key in it, it is a secret, and a command line is not: every program of the computer can read it. */
async function readLink(signal: AbortSignal): Promise<string> {
  return (await Promise.race([readSecretLine('-', 'the link'), whenAborted(signal)])).trim()
}

function unoffered(isGoingOn: boolean): AppError {
  const rest = isGoingOn ? ' The node goes on looking, as somebody else waits for it.' : ''
  return new AppError('NO_SOURCES', `Nobody offers this item now.${rest}`, {
    hint: 'Try again later, or name somebody who has it.',
  })
}

function withWaitHint({ code, message, hint = '' }: AppError): AppError {
  return new AppError(code, message, { hint: `${hint} With --wait it goes on looking.`.trim() })
}

/** The file itself, checked: as it is stored, or decrypted by the node, which alone has the keys. */
async function writeOut(
  context: Context,
  node: NodeConnection,
  { mediaId, path: source, protection, hasConditions }: ItemDetail,
  { target, isForced }: { readonly target: string; readonly isForced: boolean },
): Promise<void> {
  if (protection === 'none') {
    await copyOut({ source, target, sha256: mediaId, isForced, signal: context.signal })
    return
  }
  // Where its owner set conditions, the Lit network is asked.
  if (protection === 'needs-key' && !hasConditions) {
    throw new AppError(
      'KEY_NEEDED',
      'This item is encrypted and this node has no key to it, so no file was written. The encrypted item is kept.',
      {
        hint: 'Ask for a link with its key, or send its owner your card (sower wallet card).',
        details: { mediaId },
      },
    )
  }
  const copy = { mediaId, path: target, isReplacing: isForced }
  const { transferId } = await node.call('library.saveCopy', copy)
  await finishTransfer(context, node, transferId)
}

interface Waiting {
  readonly signal: AbortSignal
  /** Fires when it makes no sense to this command to wait any longer. */
  readonly leaving: AbortSignal
  readonly onProgress: (transfers: readonly Transfer[]) => void
}

async function waitOrPause(
  node: NodeConnection,
  id: string,
  { signal, leaving, onProgress }: Waiting,
): Promise<Transfer> {
  try {
    const either = AbortSignal.any([signal, leaving])
    const [transfer] = await waitForTransfers(node, [id], { onProgress, signal: either })
    if (transfer === undefined) throw new Error('the transfer has vanished')
    return transfer
  } catch (error) {
    if (!signal.aborted && !leaving.aborted) throw error
    // What somebody else waits for in a running node goes on there.
    if (signal.aborted || !node.isRunning) await node.call('transfers.pause', { id }).catch(() => undefined)
    if (!signal.aborted) throw withWaitHint(unoffered(node.isRunning))
    throw new AppError('CANCELLED', 'Stopped. What has arrived so far is kept.', {
      hint: 'Run the same command again to go on where it stopped.',
      cause: error,
    })
  }
}
