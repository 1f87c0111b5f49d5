import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import type { LibraryQuery, LibraryState } from '../stores/library-store.ts'
import { currentLocale, t } from '../strings/t.ts'
import shared from '../parts/chips.module.css'
import styles from './filter-chips.module.css'

const cx = classesOf(shared, styles)

export interface FilterChipsProps {
  readonly filter: LibraryQuery['filter']
  readonly counts: LibraryState['counts']
  readonly onFilter: (filter: LibraryQuery['filter']) => void
}

export function FilterChips({ filter, counts, onFilter }: FilterChipsProps) {
  const chips = [
    { value: 'all', label: t('filter.all'), icon: undefined },
    { value: 'attention', label: t('filter.attention'), icon: 'warning' },
    { value: 'public', label: t('filter.public'), icon: 'globe' },
    { value: 'private', label: t('filter.private'), icon: 'lock' },
  ] as const
  const format = new Intl.NumberFormat(currentLocale())
  return (
    <div role="group" aria-label={t('filter.label')} className={cx('chips')}>
      {chips.map(({ value, label, icon }) => {
        // "Needs attention" is there when something does, or to leave it.
        if (value === 'attention' && counts.attention === 0 && filter !== value) return null
        return (
          <button
            key={value}
            type="button"
            aria-pressed={filter === value}
            className={cx('chip', filter === value && 'isOn', value === 'attention' && 'needs')}
            onClick={() => onFilter(value)}
          >
            {icon !== undefined && <Icon name={icon} size={14} />}
            {label}
            <span className={cx('count')}>{format.format(counts[value])}</span>
          </button>
        )
      })}
    </div>
  )
}
