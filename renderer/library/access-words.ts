import type { Item } from '../../app/contract/index.ts'
import type { IconName } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'

export interface AccessWords {
  readonly look: 'public' | 'private' | 'closed'
  readonly icon: IconName
  readonly text: string
  /** How many others can read it; drawn beside the picture. */
  readonly others?: number
}

/** Who can read an item: one picture, one colour, one phrase. */
export function accessWords(
  item: Pick<Item, 'accessLevel' | 'protection' | 'sharedWith' | 'isOwn' | 'hasConditions'>,
): AccessWords {
  switch (item.protection) {
    case 'none':
      return item.accessLevel === 'public'
        ? { look: 'public', icon: 'globe', text: t('access.public') }
        : { look: 'private', icon: 'jar', text: t('protection.clear') }
    case 'readable':
      if (!item.isOwn) return { look: 'private', icon: 'users', text: t('protection.forYou') }
      if (item.sharedWith > 0) {
        const count = item.sharedWith
        const text = t(item.hasConditions ? 'protection.sharedConditions' : 'protection.shared', { count })
        return { look: 'private', icon: 'users', text, others: count }
      }
      return item.hasConditions
        ? { look: 'private', icon: 'key', text: t('protection.conditions') }
        : { look: 'private', icon: 'lock', text: t('protection.encrypted') }
    case 'locked':
      return { look: 'closed', icon: 'lockAsk', text: t('protection.locked') }
    case 'needs-key':
      return { look: 'closed', icon: 'key', text: t('protection.needsKey') }
  }
}
