import { readFile } from 'node:fs/promises'
import { AccessRule, AppError } from '../contract/index.ts'
import type { Item, Person } from '../contract/index.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import type { NodeConnection } from './connection.ts'
import { checkTarget, targetFor } from './copy-out.ts'
import { formatCount, formatProgress } from './format.ts'
import { detailResult, resolveMediaIds } from './item-result.ts'
import { findPersonOrCard, peopleToShareWith } from './people.ts'
import { finishTransfer, transferError, waitForTransfers } from './transfers.ts'

export interface ShareOptions {
  readonly to: readonly string[]
  readonly withKey: boolean
  /** A file with a rule. */
  readonly conditions?: string
  /** From now. */
  readonly expires?: number
}

/** `sower share MEDIAID`: its link; with `--to` also for more people, with `--conditions` for whoever fulfils them. */
export async function shareCommand(context: Context, name: string, options: ShareOptions): Promise<void> {
  const { terminal } = context
  await withNode(context, async (node) => {
    const mediaId = await resolveOne(node, name)
    if (options.to.length > 0) {
      await node.call('sharing.addPeople', { mediaId, people: await peopleToShareWith(node, options.to) })
    }
    if (options.conditions !== undefined) {
      await node.call('sharing.setConditions', { mediaId, rule: await ruleIn(options.conditions) })
    }
    const expiresAtMs = options.expires === undefined ? undefined : Date.now() + options.expires
    const shared = await node.call('sharing.link', {
      mediaId,
      // A node that was started before an update knows neither.
      ...(options.withKey ? { withKey: true } : {}),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    })
    const { link, magnetURI, httpUrl } = shared
    terminal.result(
      {
        mediaId,
        link,
        ...(magnetURI === undefined ? {} : { magnetURI }),
        // Without a running node the address would be of a listener that is about to close.
        ...(node.isRunning ? { httpUrl } : {}),
        ...(options.withKey ? { hasKey: shared.hasKey } : {}),
        ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
        ...(options.to.length === 0 ? {} : { people: (await peopleOf(node, mediaId)).map(personResult) }),
      },
      link,
    )
    if (shared.hasKey && options.withKey)
      terminal.say(
        `Whoever has this link can read the item${expiresAtMs === undefined ? '' : ', also after the date you gave'}: pass it on with care.`,
      )
    if (!node.isRunning)
      terminal.say('No node is running here: the link works while one runs (“sower serve”, or the app).')
  })
}

export interface UnshareOptions {
  readonly from: readonly string[]
  /** Its conditions go. */
  readonly conditions: boolean
  readonly reason?: string
}

/** `sower unshare MEDIAID --from PERSON… --conditions`: encrypts the item anew without them. */
export async function unshareCommand(
  context: Context,
  name: string,
  { from, conditions, reason }: UnshareOptions,
): Promise<void> {
  await encryptingAnew(context, name, async (node, mediaId) => {
    const readers = (await peopleOf(node, mediaId)).filter(({ isOwner }) => !isOwner)
    const people: string[] = []
    for (const person of from)
      people.push((await findPersonOrCard(node, readers, person, 'those who can read this item')).owner)
    const { transferId } = await node.call('sharing.removePeople', {
      mediaId,
      people,
      // A node that was started before an update does not know it.
      ...(conditions ? { isWithoutConditions: true } : {}),
      ...(reason === undefined ? {} : { reason }),
    })
    return transferId
  })
  if (conditions) {
    context.terminal.say(
      'The Lit network goes on giving the old key to whoever fulfils the old conditions: a copy of the old item stays readable for them.',
    )
  }
  context.terminal.say(
    'What they have fetched already stays readable for them, and copies that others hold stay where they are.',
  )
}

/** `sower encrypt MEDIAID [--to CARD]`: makes ciphertext of an item that is kept back in the clear. */
export async function encryptCommand(
  context: Context,
  name: string,
  { to }: { readonly to: readonly string[] },
): Promise<void> {
  await encryptingAnew(context, name, async (node, mediaId) => {
    const people = await peopleToShareWith(node, to)
    return (await node.call('sharing.encrypt', { mediaId, people })).transferId
  })
}

/** `sower rotate --all`: a new key for every encrypted item of one's own. */
export async function rotateCommand(context: Context): Promise<void> {
  const { terminal, signal } = context
  await withNode(
    context,
    async (node) => {
      const { transferIds } = await node.call('sharing.rotateAll', {})
      if (transferIds.length > 0) terminal.say(`Encrypting anew: ${formatCount(transferIds.length, 'item')}.`)
      const transfers = await waitForTransfers(node, transferIds, {
        onProgress: (now) => terminal.progress(formatProgress(now)),
        signal,
      }).catch((error: unknown) => {
        if (!signal.aborted) throw error
        throw new AppError('CANCELLED', 'Stopped waiting. What is not done yet goes on while a node runs.', {
          hint: '“sower status” tells whether one does.',
          cause: error,
        })
      })
      const failed = transfers.filter(({ state }) => state !== 'done')
      terminal.result(
        {
          items: transfers.length,
          done: transfers.length - failed.length,
          failed: failed.map(({ mediaId, name, error }) => ({ mediaId, name, error })),
        },
        `Encrypted anew: ${transfers.length - failed.length} of ${formatCount(transfers.length, 'item')}.`,
      )
      const [error] = failed.flatMap((transfer) => transferError(transfer) ?? [])
      if (error !== undefined) throw error
    },
    { isStoppedByWork: true },
  )
}

/** `sower save MEDIAID --out FILE`: the file itself, decrypted and checked. */
export async function saveCommand(
  context: Context,
  name: string,
  { out, force }: { readonly out: string; readonly force: boolean },
): Promise<void> {
  const { terminal } = context
  checkTarget(out, force)
  await withNode(
    context,
    async (node) => {
      const mediaId = await resolveOne(node, name)
      const item = await node.call('library.get', { mediaId })
      const path = targetFor(out, item.name)
      const { transferId } = await node.call('library.saveCopy', { mediaId, path, isReplacing: force })
      await finishTransfer(context, node, transferId)
      terminal.result({ mediaId, out: path }, path)
    },
    { isStoppedByWork: true },
  )
}

/** Waits for what `begin` has begun, and says what the item is called now. */
async function encryptingAnew(
  context: Context,
  name: string,
  begin: (node: NodeConnection, mediaId: Item['mediaId']) => Promise<string>,
): Promise<void> {
  await withNode(
    context,
    async (node) => {
      const replaces = await resolveOne(node, name)
      const transfer = await finishTransfer(context, node, await begin(node, replaces))
      if (transfer.mediaId === undefined) throw new Error('a finished transfer has no mediaId')
      const item = await node.call('library.get', { mediaId: transfer.mediaId })
      const people = (await peopleOf(node, item.mediaId)).map(personResult)
      context.terminal.result(
        { ...detailResult(item, node.isRunning), replaces, people },
        `${item.mediaId}\n  ${item.link}`,
      )
    },
    { isStoppedByWork: true },
  )
}

async function resolveOne(node: NodeConnection, name: string): Promise<Item['mediaId']> {
  const [mediaId] = await resolveMediaIds(node, [name])
  if (mediaId === undefined) throw new Error('an id was resolved to nothing')
  return mediaId
}

async function peopleOf(node: NodeConnection, mediaId: Item['mediaId']): Promise<Person[]> {
  return (await node.call('sharing.people', { mediaId })).people
}

function personResult({ owner, name, isOwner, fingerprint }: Person): Record<string, unknown> {
  return { owner, ...(name === undefined ? {} : { name }), isOwner, fingerprint }
}

/** @throws {AppError} `BAD_REQUEST` for a file that is no rule, `SOURCE_UNREADABLE` for none that can be read */
async function ruleIn(file: string): Promise<AccessRule> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AppError('SOURCE_UNREADABLE', `The conditions in ${file} can't be read. Nothing was shared.`, {
      cause,
    })
  })
  const parsed = AccessRule.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new AppError(
    'BAD_REQUEST',
    `${file} holds no conditions: ${parsed.error.issues[0]?.message}. Nothing was shared.`,
    {
      hint: 'docs/cli.md shows how they are written.',
    },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
