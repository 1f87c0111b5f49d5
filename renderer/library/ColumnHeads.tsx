import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import type { LibraryQuery } from '../stores/library-store.ts'
import { t } from '../strings/t.ts'
import styles from './library.module.css'

const cx = classesOf(styles)

export interface ColumnHeadsProps {
  readonly query: LibraryQuery
  readonly onSort: (sort: LibraryQuery['sort'], direction: LibraryQuery['direction']) => void
}

/** Which way a column is sorted when it is first chosen. */
const FIRST_DIRECTION = { added: 'desc', name: 'asc', size: 'desc', uploaded: 'desc' } as const

export function ColumnHeads({ query, onSort }: ColumnHeadsProps) {
  const sorter = (sort: LibraryQuery['sort'], label: string) => {
    const isSorted = query.sort === sort
    const next = isSorted ? (query.direction === 'asc' ? 'desc' : 'asc') : FIRST_DIRECTION[sort]
    return (
      <button
        type="button"
        className={cx('sorter', isSorted && 'sorted')}
        tabIndex={-1}
        onClick={() => onSort(sort, next)}
      >
        {label}
        <span className={cx('arrow')}>
          {isSorted && <Icon name={query.direction === 'asc' ? 'chevronUp' : 'chevron'} size={14} />}
        </span>
      </button>
    )
  }
  const ariaSort = (sort: LibraryQuery['sort']) =>
    query.sort === sort ? (query.direction === 'asc' ? 'ascending' : 'descending') : undefined
  return (
    <div role="row" aria-rowindex={1} className={cx('columns')}>
      <span role="columnheader" aria-label={t('column.kind')} />
      <span role="columnheader" aria-sort={ariaSort('name')}>
        {sorter('name', t('column.name'))}
      </span>
      <span role="columnheader" aria-label={t('column.access')} />
      <span role="columnheader" aria-sort={ariaSort('size')} className={cx('number', 'midOnly')}>
        {sorter('size', t('column.size'))}
      </span>
      <span role="columnheader" className={cx('state')}>
        {t('column.state')}
      </span>
      <span role="columnheader" className={cx('number', 'wideOnly')}>
        {t('column.peers')}
      </span>
      <span role="columnheader" aria-sort={ariaSort('uploaded')} className={cx('number', 'wideOnly')}>
        {sorter('uploaded', t('column.uploaded'))}
      </span>
      <span role="columnheader" aria-label={t('column.more')} />
    </div>
  )
}
