import type { Item, ItemState, Settings } from './contract/index.ts'
import type { ItemRow } from './library/index.ts'
import type { Reach } from './seeding/index.ts'

/** What the swarm knows of an item right now. */
export interface LiveStats {
  readonly peers: number
  readonly uploadRateBytesPerSec: number
}

interface ViewContext {
  readonly isMediaOffline: boolean
  readonly isSeedingPaused: boolean
  readonly isWalletOpen: boolean
  readonly live: LiveStats
}

/**
 * How far it may be told that this item is here. Ciphertext goes to the trackers only: whoever asks there knows its hash, and
 * can do nothing with it without the key. What is kept back in the clear is told to nobody.
 */
export function reachOf({ accessLevel, protection }: ItemRow): Reach {
  if (protection !== 'none') return 'trackers'
  return accessLevel === 'public' ? 'everywhere' : 'nowhere'
}

/** Whether this item is to be announced and served to the swarm. */
export function isSeedable(row: ItemRow): boolean {
  return (
    reachOf(row) !== 'nowhere' &&
    row.isSeedingWanted &&
    row.infoHash !== undefined &&
    row.fileState === 'ok' &&
    row.trashedAtMs === undefined
  )
}

/** The row of the database and the swarm's numbers as the contract shows an item. */
export function viewItem(row: ItemRow, context: ViewContext): Item {
  const { isMediaOffline, isSeedingPaused, isWalletOpen, live } = context
  return {
    mediaId: row.mediaId,
    name: row.name,
    mime: row.mime,
    sizeBytes: row.sizeBytes,
    // What it says is known from before; whether it can be read now depends on the wallet.
    protection: row.protection === 'readable' && !isWalletOpen ? 'locked' : row.protection,
    ...(row.plainSizeBytes === undefined ? {} : { plainSizeBytes: row.plainSizeBytes }),
    sharedWith: row.sharedWith.length,
    hasConditions: row.hasConditions,
    accessLevel: row.accessLevel,
    state: stateOf(row, isMediaOffline, isSeedingPaused),
    isSeedingWanted: row.isSeedingWanted,
    isOwn: row.isOwn,
    ...(row.infoHash === undefined ? {} : { infoHash: row.infoHash }),
    addedAtMs: row.addedAtMs,
    peers: live.peers,
    uploadedBytes: row.uploadedBytes,
    uploadRateBytesPerSec: live.uploadRateBytesPerSec,
    ...(row.lastServedAtMs === undefined ? {} : { lastServedAtMs: row.lastServedAtMs }),
  }
}

function stateOf(row: ItemRow, isMediaOffline: boolean, isSeedingPaused: boolean): ItemState {
  if (isMediaOffline) return 'offline'
  if (row.fileState !== 'ok') return row.fileState
  if (!isSeedable(row)) return 'ready'
  return isSeedingPaused ? 'paused' : 'seeding'
}

/** The HTTP addresses under which others reach an item; none unless the operator gave a public address. */
export function webSources({ publicUrl }: Settings, mediaId: string): string[] {
  return publicUrl === null ? [] : [`${publicUrl.replace(/\/+$/, '')}/media/${mediaId}`]
}
