import type { Item } from '../../app/contract/index.ts'
import type { IconName } from '../parts/Icon.tsx'
import type { Tone } from '../parts/StateLabel.tsx'
import { t } from '../strings/t.ts'

export interface StateWords {
  readonly tone: Tone
  readonly icon: IconName
  readonly text: string
}

/** The state of an item: one sentence, one colour, one picture. */
export function itemStateWords(
  item: Pick<Item, 'state' | 'accessLevel' | 'isSeedingWanted' | 'peers'>,
): StateWords {
  switch (item.state) {
    case 'seeding':
      return item.peers > 0
        ? { tone: 'good', icon: 'sprout', text: t('state.seedingTo', { count: item.peers }) }
        : { tone: 'good', icon: 'seed', text: t('state.seedingIdle') }
    case 'ready':
      return item.accessLevel === 'private'
        ? { tone: 'plain', icon: 'jar', text: t('state.onlyHere') }
        : item.isSeedingWanted
          ? { tone: 'plain', icon: 'check', text: t('state.ready') }
          : { tone: 'idle', icon: 'pause', text: t('state.notSeeded') }
    case 'paused':
      return { tone: 'idle', icon: 'pause', text: t('state.paused') }
    case 'checking':
      return { tone: 'warn', icon: 'refresh', text: t('state.checking') }
    case 'changed':
      return { tone: 'bad', icon: 'warning', text: t('state.changed') }
    case 'missing':
      return { tone: 'bad', icon: 'error', text: t('state.missing') }
    case 'offline':
      return { tone: 'warn', icon: 'drive', text: t('state.offline') }
  }
}
