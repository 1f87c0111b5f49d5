import type { Item } from '../../app/contract/index.ts'
import type { IconName } from '../parts/Icon.tsx'
import type { Tone } from '../parts/StateLabel.tsx'
import { t } from '../strings/t.ts'

export interface StateWords {
  readonly tone: Tone
  readonly icon: IconName
  readonly text: string
}

type Described = Pick<Item, 'state' | 'accessLevel' | 'isSeedingWanted' | 'peers' | 'protection'>

/** The state of an item: one sentence, one colour, one picture. */
export function itemStateWords(item: Described): StateWords {
  switch (item.state) {
    case 'seeding':
    case 'ready':
      return item.protection === 'none' ? calmWords(item) : sealedWords(item)
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

function calmWords(item: Described): StateWords {
  if (item.state === 'seeding') {
    return item.peers > 0
      ? { tone: 'good', icon: 'sprout', text: t('state.seedingTo', { count: item.peers }) }
      : { tone: 'good', icon: 'seed', text: t('state.seedingIdle') }
  }
  if (item.accessLevel === 'private') return { tone: 'plain', icon: 'jar', text: t('state.onlyHere') }
  return item.isSeedingWanted
    ? { tone: 'plain', icon: 'check', text: t('state.ready') }
    : { tone: 'idle', icon: 'pause', text: t('state.notSeeded') }
}

/** What is encrypted says so first: whether it can be read matters more than how it travels. */
function sealedWords(item: Described): StateWords {
  if (item.protection === 'locked') return { tone: 'warn', icon: 'lockAsk', text: t('state.locked') }
  const state =
    item.state === 'seeding'
      ? item.peers > 0
        ? t('state.seedingToShort', { count: item.peers })
        : t('state.seedingShort')
      : t(item.isSeedingWanted ? 'state.readyShort' : 'state.notSeededShort')
  if (item.protection === 'needs-key') {
    return { tone: 'warn', icon: 'key', text: t('state.needsKeyAnd', { state }) }
  }
  const icon = item.state === 'seeding' ? (item.peers > 0 ? 'sprout' : 'seed') : 'lock'
  return { tone: item.state === 'seeding' ? 'good' : 'plain', icon, text: t('state.encrypted', { state }) }
}
