import { useStore } from 'zustand'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './toasts.module.css'

const cx = classesOf(styles)

const ICONS = { plain: 'info', good: 'check', bad: 'warning' } as const

export function Toasts() {
  const { toasts } = useApp()
  const shown = useStore(toasts.store, (state) => state.toasts)
  return (
    <div className={cx('toasts')} role="status" aria-live="polite" aria-relevant="additions">
      {shown.map((toast) => (
        <div
          key={toast.id}
          className={cx('toast', toast.tone === 'bad' && 'bad', toast.tone === 'good' && 'good')}
        >
          <Icon name={ICONS[toast.tone]} size={17} />
          <div className={cx('words')}>
            <p>{toast.text}</p>
            {toast.detail !== undefined && <p className={cx('detail')}>{toast.detail}</p>}
          </div>
          {toast.action !== undefined && (
            <button
              type="button"
              className={cx('action')}
              onClick={() => {
                toast.action?.run()
                toasts.close(toast.id)
              }}
            >
              {toast.action.label}
            </button>
          )}
          <Button
            tone="quiet"
            isSmall
            icon="close"
            label={t('action.close')}
            onPress={() => toasts.close(toast.id)}
          />
          {toast.action !== undefined && (
            <span
              className={cx('life')}
              style={{ animationDuration: `${toast.lifeMs}ms` }}
              aria-hidden="true"
            />
          )}
        </div>
      ))}
    </div>
  )
}
