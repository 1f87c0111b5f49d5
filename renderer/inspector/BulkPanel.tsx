import { useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { useApp, useLibrary } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { selectSelectedItems } from '../stores/library-store.ts'
import { t } from '../strings/t.ts'
import styles from './inspector.module.css'

const cx = classesOf(styles)

/** Several items at once: what they come to, and what can be done with all of them. */
export function BulkPanel() {
  const { verbs } = useApp()
  const items = useLibrary(useShallow(selectSelectedItems))
  const selected = useLibrary((state) => state.selected)
  const ids = useMemo(() => [...selected], [selected])
  const sum = (of: (item: (typeof items)[number]) => number) =>
    items.reduce((total, item) => total + of(item), 0)
  return (
    <div className={cx('scroll')}>
      {items.length === ids.length && (
        <dl className={cx('section', 'facts')}>
          <dt>{t('fact.size')}</dt>
          <dd>{formatSize(sum((item) => item.sizeBytes))}</dd>
          <dt>{t('fact.uploaded')}</dt>
          <dd>{formatSize(sum((item) => item.uploadedBytes))}</dd>
        </dl>
      )}
      <div className={cx('section', 'buttons')}>
        <Button icon="link" onPress={() => verbs.copyLink(ids)}>
          {t('menu.copyLink', { count: ids.length })}
        </Button>
        <Button icon="sprout" onPress={() => verbs.setSeeding(ids, true)}>
          {t('menu.startSeeding')}
        </Button>
        <Button icon="pause" onPress={() => verbs.setSeeding(ids, false)}>
          {t('menu.stopSeeding')}
        </Button>
        <Button icon="refresh" onPress={() => verbs.verify(ids)}>
          {t('menu.verify')}
        </Button>
        <Button tone="danger" icon="trash" onPress={() => verbs.askRemove(ids)}>
          {t('menu.remove', { count: ids.length })}
        </Button>
      </div>
    </div>
  )
}
