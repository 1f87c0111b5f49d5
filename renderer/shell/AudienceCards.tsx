import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import type { Audience } from '../stores/item-verbs.ts'
import { t } from '../strings/t.ts'
import styles from './audience-cards.module.css'

const cx = classesOf(styles)

export interface AudienceCardsProps {
  /** How many people it is encrypted for beside oneself, if it is private. */
  readonly others?: number
  readonly onChoose: (audience: Audience) => void
}

/** The two answers to "who may have this", each with what it means. */
export function AudienceCards({ others = 0, onChoose }: AudienceCardsProps) {
  const privateTitle = others === 0 ? t('drop.private') : t('drop.privateFor', { count: others })
  const card = (audience: Audience) => (
    <button
      type="button"
      className={cx('card', audience)}
      data-autofocus={audience === 'private' || undefined}
      onClick={() => onChoose(audience)}
    >
      <span className={cx('glyph')}>
        <Icon name={audience === 'public' ? 'sprout' : 'lock'} size={26} />
      </span>
      <span className={cx('title')}>{audience === 'public' ? t('drop.public') : privateTitle}</span>
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
