import type { NodeStatus } from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import { withNode } from './context.ts'
import type { Context } from './context.ts'
import { formatBytes, formatCount, formatDuration, formatTable } from './format.ts'

/** `sower status`. */
export async function statusCommand(context: Context): Promise<void> {
  const work = async (node: NodeConnection): Promise<void> => {
    const status = await node.call('node.status', {})
    context.terminal.result({ running: node.isRunning, ...status }, statusText(status, node.isRunning))
  }
  // It shows the notices itself.
  await withNode(context, work, { isTellingNotices: false })
}

/** `sower token`: a JWT that speaks for this node's owner. */
export async function tokenCommand(context: Context): Promise<void> {
  await withNode(context, async (node) => {
    const { token, expiresAtMs } = await node.call('vault.token', {})
    context.terminal.result({ token, expiresAt: new Date(expiresAtMs).toISOString() }, token)
  })
}

/** `sower pause` and `sower resume`: all traffic of the swarm. */
export async function pauseCommand(context: Context, isPaused: boolean): Promise<void> {
  await withNode(context, async (node) => {
    await node.call(isPaused ? 'seeding.pause' : 'seeding.resume', {})
    context.terminal.result({ paused: isPaused }, isPaused ? 'Seeding is paused.' : 'Seeding goes on.')
  })
}

function statusText(status: NodeStatus, isRunning: boolean): string {
  const { media, wallet, seeding, trackers, network, unheardErrors, notices } = status
  const free = media.freeBytes === undefined ? '' : `, ${formatBytes(media.freeBytes)} free`
  const rows = [
    ['node', `${isRunning ? 'running' : 'not running'}, Sower ${status.version}, id ${status.nodeId}`],
    ...(isRunning
      ? [
          ['address', status.url],
          ['control', status.controlUrl],
          ['peer port', String(status.peerPort)],
        ]
      : []),
    ['media', `${media.dir} (${media.state}), ${formatBytes(media.usedBytes)} used${free}`],
    [
      'wallet',
      `${wallet.state} (${wallet.storage}), ${wallet.isBackedUp ? 'backed up' : 'not backed up'}${wallet.owner === undefined ? '' : `, owner ${wallet.owner}`}`,
    ],
    ...(wallet.message === undefined ? [] : [['', wallet.message]]),
    [
      'seeding',
      `${seeding.isPaused ? 'paused, ' : ''}${formatCount(seeding.items, 'item')}, ${formatCount(seeding.peersTcp + seeding.peersWebrtc, 'peer')}, ${formatBytes(seeding.uploadedBytes)} uploaded`,
    ],
    ...(isRunning
      ? trackers.map(({ url, state, message }) => [
          'tracker',
          `${url} ${state}${message === undefined ? '' : ` (${message})`}`,
        ])
      : []),
    ...(isRunning ? relayRows(network) : []),
    ...(unheardErrors > 0
      ? [
          [
            'faults',
            `${formatCount(unheardErrors, 'error')} nobody waited for, in the log as “engine.unheard”`,
          ],
        ]
      : []),
    ...notices.map(({ level, message }) => [level, message]),
  ]
  return formatTable(rows)
}

function clockWords(aheadMs: number): string {
  const isAhead = aheadMs > 0
  return `${formatDuration(Math.abs(aheadMs))} ${isAhead ? 'ahead of' : 'behind'} what relays say, so others may not see what this node has: set this computer’s date and time`
}

function relayRows({ state, relays, owed, clockAheadMs }: NodeStatus['network']): string[][] {
  const rows = [
    ...relays.map((relay) => [
      'relay',
      `${relay.url} ${relay.state}${relay.error === undefined ? '' : ` (${relay.error})`}`,
    ]),
    ...(clockAheadMs === undefined ? [] : [['clock', clockWords(clockAheadMs)]]),
  ]
  if (relays.length === 0) return []
  if (state !== 'running') return [['relays', `GUN is ${state}`], ...rows]
  if (owed === undefined || owed === 0) return rows
  return [...rows, ['', `not passed on yet: ${formatCount(owed, 'item')} of yours`]]
}
