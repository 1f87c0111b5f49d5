import type { FoundItem, TransferSource } from '../../app/contract/index.ts'
import { displayName } from '../format/names.ts'
import { formatAgo } from '../format/quantities.ts'
import type { IconName } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'

/** `3 nodes say they have it, heard 4 minutes ago · 5 complete in the swarm`: who says it stays apart. */
export function copiesWords({ copies }: Pick<FoundItem, 'copies'>, nowMs: number): string {
  if (!isCounted(copies)) return t('copies.unasked')
  const parts: string[] = []
  if (copies.presence > 0) {
    const said = t('copies.presence', { count: copies.presence })
    parts.push(
      copies.presenceAtMs === undefined
        ? said
        : `${said}, ${t('copies.heard', { when: formatAgo(copies.presenceAtMs, nowMs) })}`,
    )
  }
  if (copies.swarm !== undefined && copies.swarm > 0) {
    const seen = t('copies.swarm', { count: copies.swarm })
    parts.push(
      copies.swarmAtMs === undefined
        ? seen
        : `${seen}, ${t('copies.heard', { when: formatAgo(copies.swarmAtMs, nowMs) })}`,
    )
  }
  return parts.length === 0 ? t('copies.none') : parts.join(' · ')
}

/** How many nodes say they have it, and when that was heard. */
export function saidWords({ presence, presenceAtMs }: FoundItem['copies'], nowMs: number): string {
  if (presence === 0) return t(presenceAtMs === undefined ? 'copies.saidUnasked' : 'copies.saidNone')
  return presenceAtMs === undefined
    ? t('copies.saidCountOnly', { count: presence })
    : t('copies.saidCount', { count: presence, when: formatAgo(presenceAtMs, nowMs) })
}

/** How many complete copies trackers speak of, and when they said so. */
export function seenWords({ swarm, swarmAtMs }: FoundItem['copies'], nowMs: number): string {
  if (swarm === undefined) return t('copies.seenUnasked')
  const when = swarmAtMs === undefined ? undefined : formatAgo(swarmAtMs, nowMs)
  if (swarm === 0) return when === undefined ? t('copies.seenNone') : t('copies.seenNoneAt', { when })
  return when === undefined
    ? t('copies.seenCountOnly', { count: swarm })
    : t('copies.seenCount', { count: swarm, when })
}

/** Whether anybody was asked who has it; with no record of that, nothing heard of says nothing. */
export function isCounted({ presence, presenceAtMs, swarm }: FoundItem['copies']): boolean {
  return presence > 0 || presenceAtMs !== undefined || swarm !== undefined
}

/** The media id in `<64 hex>` or `did:gun:media:<64 hex>`; null for words. */
export function idInSearch(text: string): string | null {
  return /^(?:did:gun:media:)?([0-9a-f]{64})$/.exec(text.trim())?.[1] ?? null
}

/** First and second group of an owner key's short form, for a publisher without a name. */
export function shortOwner(owner: string): string {
  return (owner.slice(2, 10).toUpperCase().match(/.{4}/g) ?? []).join('-') + '…'
}

export function ownerWords({ owner, ownerName }: Pick<FoundItem, 'owner' | 'ownerName'>): string {
  return ownerName === undefined ? shortOwner(owner) : displayName(ownerName)
}

export const ROAD_ICONS: Readonly<Record<TransferSource['kind'], IconName>> = {
  torrent: 'users',
  http: 'globe',
  ipfs: 'cube',
  arweave: 'weave',
  gun: 'relay',
}
