import type { Transfer } from '../../app/contract/index.ts'
import { formatDuration, formatPercent, formatRate, formatSize } from '../format/quantities.ts'
import type { IconName } from '../parts/Icon.tsx'
import type { Tone } from '../parts/StateLabel.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'

export type Stage = Transfer['stage']

const ADD_STAGES: readonly Stage[] = ['read', 'store', 'seed']
const SAVE_STAGES: readonly Stage[] = ['read', 'verify', 'store']
const GET_STAGES: readonly Stage[] = ['find', 'download', 'verify', 'store', 'seed']

/** The stages of a transfer in order; what is kept back in the clear is announced nowhere, so it ends with `store`. */
export function stagesOf(transfer: Pick<Transfer, 'kind' | 'accessLevel' | 'isEncrypted'>): readonly Stage[] {
  if (transfer.kind === 'get') return GET_STAGES
  if (transfer.kind === 'save') return SAVE_STAGES
  const isKeptBack = transfer.accessLevel === 'private' && !transfer.isEncrypted
  return transfer.kind === 'add' && isKeptBack ? ADD_STAGES.slice(0, 2) : ADD_STAGES
}

export const KIND_ICONS: Readonly<Record<Transfer['kind'], IconName>> = {
  add: 'plus',
  get: 'down',
  save: 'file',
  rekey: 'key',
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
      if (transfer.isUnoffered) return { tone: 'idle', icon: 'clock', text: t('transfer.unoffered') }
      return {
        tone: 'good',
        icon: transfer.kind === 'get' ? 'down' : 'up',
        text: stageWords(transfer),
      }
    case 'paused':
      return { tone: 'idle', icon: 'pause', text: t('transfer.paused') }
    case 'done':
      if (transfer.isDuplicate) return { tone: 'plain', icon: 'copy', text: t('transfer.duplicate') }
      return {
        tone: 'good',
        icon: 'check',
        text: doneWords(transfer),
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

function stageWords({ kind, stage, isEncrypted }: Transfer): string {
  if (stage === 'read' && kind === 'save') return t('stage.decrypt.now')
  if (stage === 'read' && (isEncrypted || kind === 'rekey')) return t('stage.encrypt.now')
  if (stage === 'store' && kind === 'save') return t('stage.save.now')
  return t(`stage.${stage}.now`)
}

function doneWords({ kind, accessLevel, isEncrypted }: Transfer): string {
  switch (kind) {
    case 'get':
      return t('transfer.fetched')
    case 'save':
      return t('transfer.saved')
    case 'rekey':
      return t('transfer.rekeyed')
    case 'add':
      if (isEncrypted) return t(accessLevel === 'shared' ? 'transfer.shared' : 'transfer.encrypted')
      return t(accessLevel === 'public' ? 'transfer.sharing' : 'transfer.kept')
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
