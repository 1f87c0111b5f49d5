import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import type { Audience } from '../stores/item-verbs.ts'
import { t } from '../strings/t.ts'
import styles from './audience-cards.module.css'

const cx = classesOf(styles)

export interface AudienceCardsProps {
  readonly onChoose: (audience: Audience) => void
}

/** The two answers to "who may have this", each with what it means. */
export function AudienceCards({ onChoose }: AudienceCardsProps) {
  const card = (audience: Audience) => (
    <button
      type="button"
      className={cx('card', audience)}
      data-autofocus={audience === 'private' || undefined}
      onClick={() => onChoose(audience)}
    >
      <span className={cx('glyph')}>
        <Icon name={audience === 'public' ? 'sprout' : 'jar'} size={26} />
      </span>
      <span className={cx('title')}>{t(audience === 'public' ? 'drop.public' : 'drop.private')}</span>
      <span className={cx('text')}>{t(audience === 'public' ? 'drop.publicText' : 'drop.privateText')}</span>
    </button>
  )
  return (
    <div className={cx('cards')}>
      {card('public')}
      {card('private')}
    </div>
  )
}
