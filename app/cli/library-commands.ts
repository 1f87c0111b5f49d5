import { AppError } from '../contract/index.ts'
import type { Item } from '../contract/index.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import type { NodeConnection } from './connection.ts'
import { formatBytes, formatCount, formatTable } from './format.ts'
import { accessText, allItems, itemResult, resolveMediaIds, stateOf } from './item-result.ts'

/** `sower ls`. */
export async function listCommand(context: Context, isTrashed = false): Promise<void> {
  await withNode(context, async (node) => {
    const items: Item[] = []
    for await (const item of allItems(node, isTrashed)) items.push(item)
    const rows = items.map((item) => [
      item.mediaId.slice(0, 12),
      formatBytes(item.plainSizeBytes ?? item.sizeBytes),
      accessText(item),
      stateOf(item, node.isRunning),
      item.name,
    ])
    const text =
      rows.length === 0
        ? emptyText(isTrashed)
        : formatTable([['ID', 'SIZE', 'ACCESS', 'STATE', 'NAME'], ...rows])
    context.terminal.result(
      items.map((item) => itemResult(item, node.isRunning)),
      text,
    )
  })
}

/** `sower rm MEDIAID…`. */
export async function removeCommand(context: Context, names: readonly string[]): Promise<void> {
  await withNode(context, async (node) => {
    const mediaIds = await resolveMediaIds(node, names)
    const { removed, restorableUntilMs } = await node.call('library.remove', { mediaIds })
    if (removed.length === 0) throw noneOfThese('in the library')
    const restorableUntil = new Date(restorableUntilMs).toISOString()
    const text = `Moved to the trash: ${formatCount(removed.length, 'item')}. “sower restore” brings it back until ${restorableUntil}.`
    context.terminal.result({ removed, restorableUntil }, text)
  })
}

/** `sower restore MEDIAID…`. */
export async function restoreCommand(context: Context, names: readonly string[]): Promise<void> {
  await withNode(context, async (node) => {
    const mediaIds = await resolveMediaIds(node, names, true)
    const { restored } = await node.call('library.restore', { mediaIds })
    if (restored.length === 0) throw noneOfThese('in the trash')
    context.terminal.result({ restored }, `Restored: ${formatCount(restored.length, 'item')}.`)
  })
}

/** `sower rebuild`: the database anew from the media folder. */
export async function rebuildCommand(context: Context): Promise<void> {
  await withNode(context, async (node) => {
    const { items, movedAside } = await node.call('library.rebuild', {})
    const aside =
      movedAside.length === 0
        ? ''
        : `\nMoved aside, because it could not be read:\n  ${movedAside.join('\n  ')}`
    context.terminal.result(
      { items, movedAside },
      `The library was rebuilt from the media folder: ${formatCount(items, 'item')}.${aside}`,
    )
  })
}

/** `sower scrub [MEDIAID…]`: reads every byte again and compares. */
export async function scrubCommand(context: Context, names: readonly string[]): Promise<void> {
  const { terminal, signal } = context
  await withNode(
    context,
    async (node) => {
      const mediaIds = names.length > 0 ? await resolveMediaIds(node, names) : await allIds(node)
      for (let start = 0; start < mediaIds.length; start += 1000) {
        await node.call('library.verify', { mediaIds: mediaIds.slice(start, start + 1000) })
      }
      const items = await waitUntilChecked(node, mediaIds, signal, (done) =>
        terminal.progress(`checked ${done} of ${mediaIds.length}`),
      )
      const bad = items.filter(
        ({ state }) => state === 'changed' || state === 'missing' || state === 'offline',
      )
      const damaged = bad.map(({ mediaId, name, state }) => ({ mediaId, name, state }))
      const lines = damaged.map(({ mediaId, name, state }) => [mediaId.slice(0, 12), state, name])
      terminal.result(
        { checked: items.length, ok: items.length - bad.length, damaged },
        [`Checked: ${formatCount(items.length, 'item')}.`, formatTable(lines)].join('\n').trim(),
      )
      if (bad.length > 0) {
        throw new AppError(
          'HASH_MISMATCH',
          `Not as they were added: ${formatCount(bad.length, 'item')}. They are kept, and not served.`,
          {
            hint: 'Fetch them again from another node, or add the originals again.',
          },
        )
      }
    },
    { isStoppedByWork: true },
  )
}

async function allIds(node: NodeConnection): Promise<Item['mediaId'][]> {
  const ids: Item['mediaId'][] = []
  for await (const { mediaId } of allItems(node)) ids.push(mediaId)
  return ids
}

async function waitUntilChecked(
  node: NodeConnection,
  mediaIds: readonly Item['mediaId'][],
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<Item[]> {
  const wanted = new Set(mediaIds)
  for (;;) {
    const items: Item[] = []
    for await (const item of allItems(node)) if (wanted.has(item.mediaId)) items.push(item)
    const done = items.filter(({ state }) => state !== 'checking').length
    onProgress(done)
    if (done === items.length) return items
    await libraryChange(node, signal)
  }
}

/** The next change of the library, or a second, whichever comes first. */
function libraryChange(node: NodeConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      end()
      reject(
        new AppError(
          'CANCELLED',
          'Cancelled. What was being checked is checked by the node when it gets to it.',
        ),
      )
    }
    const end = (): void => {
      clearTimeout(timer)
      stopListening()
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    const timer = setTimeout(end, 1000)
    const stopListening = node.on('library.changed', ({ isReset }) => {
      if (!isReset) end()
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

function emptyText(isTrashed: boolean): string {
  return isTrashed ? 'The trash is empty.' : 'Nothing here yet. Add a file with “sower add FILE”.'
}

function noneOfThese(where: string): AppError {
  return new AppError('NOT_FOUND', `Nothing of this is ${where}.`, {
    hint: '“sower ls” shows what is there, “sower ls --trash” what was removed.',
  })
}
