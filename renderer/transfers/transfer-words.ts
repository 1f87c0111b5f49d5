import type { Transfer } from '../../app/contract/index.ts'
import { formatDuration, formatPercent, formatRate, formatSize } from '../format/quantities.ts'
import type { IconName } from '../parts/Icon.tsx'
import type { Tone } from '../parts/StateLabel.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'

export type Stage = Transfer['stage']

const ADD_STAGES: readonly Stage[] = ['read', 'store', 'seed']
const GET_STAGES: readonly Stage[] = ['find', 'download', 'verify', 'store', 'seed']

/** The stages of a transfer in order; a private add is announced nowhere, so it ends with `store`. */
export function stagesOf(transfer: Pick<Transfer, 'kind' | 'accessLevel'>): readonly Stage[] {
  if (transfer.kind === 'get') return GET_STAGES
  return transfer.accessLevel === 'private' ? ADD_STAGES.slice(0, 2) : ADD_STAGES
}

export interface TransferWords {
  readonly tone: Tone
  readonly icon: IconName
  readonly text: string
}

/** One sentence on how a transfer is doing. */
export function transferWords(transfer: Transfer): TransferWords {
  switch (transfer.state) {
    case 'queued':
      return { tone: 'idle', icon: 'clock', text: t('transfer.queued') }
    case 'active':
      return {
        tone: 'good',
        icon: transfer.kind === 'add' ? 'up' : 'down',
        text: t(`stage.${transfer.stage}.now`),
      }
    case 'paused':
      return { tone: 'idle', icon: 'pause', text: t('transfer.paused') }
    case 'done':
      if (transfer.isDuplicate) return { tone: 'plain', icon: 'copy', text: t('transfer.duplicate') }
      return {
        tone: 'good',
        icon: 'check',
        text: t(
          transfer.kind === 'get'
            ? 'transfer.fetched'
            : transfer.accessLevel === 'public'
              ? 'transfer.sharing'
              : 'transfer.kept',
        ),
      }
    case 'failed':
      return {
        tone: 'bad',
        icon: 'warning',
        text: transfer.error === undefined ? t('transfer.failed') : errorWords(transfer.error).title,
      }
    case 'cancelled':
      return { tone: 'idle', icon: 'close', text: t('transfer.cancelled') }
  }
}

/** 0…1 of the stage that moves bytes; null while that is not known. */
export function progressOf(transfer: Transfer): number | null {
  if (transfer.state === 'done') return 1
  if (transfer.bytesTotal === undefined || transfer.bytesTotal === 0)
    return transfer.state === 'active' ? null : 0
  return transfer.bytesDone / transfer.bytesTotal
}

/** `42 % · 1.2 of 3.4 GB · 12 MB/s · 2 min left`, as far as it is known. */
export function figuresOf(transfer: Transfer): string {
  const parts: string[] = []
  const { bytesTotal, bytesDone } = transfer
  if (transfer.state === 'done') return bytesTotal === undefined ? '' : formatSize(bytesTotal)
  if (bytesTotal === undefined) {
    if (bytesDone > 0) parts.push(formatSize(bytesDone))
  } else {
    if (bytesDone > 0) parts.push(formatPercent(bytesDone / Math.max(1, bytesTotal)))
    parts.push(
      bytesDone > 0
        ? t('transfer.of', { done: formatSize(bytesDone), total: formatSize(bytesTotal) })
        : formatSize(bytesTotal),
    )
  }
  if (transfer.state === 'active') {
    if (transfer.rateBytesPerSec > 0) parts.push(formatRate(transfer.rateBytesPerSec))
    if (transfer.etaMs !== undefined) parts.push(t('transfer.left', { time: formatDuration(transfer.etaMs) }))
  }
  return parts.join(' · ')
}

export type TransferGroup = 'failed' | 'active' | 'waiting' | 'paused' | 'finished'

export const GROUP_ORDER: readonly TransferGroup[] = ['failed', 'active', 'paused', 'waiting', 'finished']

export function groupOf(transfer: Transfer): TransferGroup {
  switch (transfer.state) {
    case 'failed':
      return 'failed'
    case 'active':
      return 'active'
    case 'queued':
      return 'waiting'
    case 'paused':
      return 'paused'
    case 'done':
    case 'cancelled':
      return 'finished'
  }
}
