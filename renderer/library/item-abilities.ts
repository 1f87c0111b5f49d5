import type { Item } from '../../app/contract/index.ts'

/** What the engine would do with an item now; what it would refuse is not offered. */
export interface ItemAbilities {
  /** Its file can be read: shown, played by another program, saved as a copy. */
  readonly isReadable: boolean
  /** Seeding it makes a difference. */
  readonly isSeedable: boolean
  readonly hasMagnet: boolean
  readonly setAccess: boolean
  readonly encrypt: boolean
  /** Add people, remove them, set conditions. */
  readonly changePeople: boolean
  readonly linkWithKey: boolean
  readonly verify: boolean
  readonly askAccess: boolean
  readonly openWithLit: boolean
}

type Described = Pick<Item, 'protection' | 'accessLevel' | 'state' | 'isOwn' | 'hasConditions' | 'infoHash'>

const THERE: ReadonlySet<Item['state']> = new Set(['ready', 'seeding', 'paused'])

/** @param isBusy it is being encrypted anew: another item takes its place in a moment */
export function abilitiesOf(item: Described, isBusy: boolean): ItemAbilities {
  const { protection, accessLevel, state, isOwn, hasConditions, infoHash } = item
  const isClear = protection === 'none'
  const isOpen = protection === 'readable'
  const isThere = THERE.has(state)
  const isOnline = state !== 'offline'
  const isMine = isOwn && !isBusy && isOnline
  return {
    isReadable: (isClear || isOpen) && isThere,
    isSeedable: !isClear || accessLevel === 'public',
    hasMagnet: infoHash !== undefined,
    setAccess: isMine && isClear && (accessLevel === 'public' || isThere),
    encrypt: isMine && isClear && accessLevel !== 'public' && isThere,
    changePeople: isMine && isOpen,
    linkWithKey: isMine && isOpen,
    verify: isOnline,
    askAccess: protection === 'needs-key',
    openWithLit: protection === 'needs-key' && hasConditions && isThere,
  }
}
