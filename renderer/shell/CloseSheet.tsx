import { useState } from 'react'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'
import styles from './sheets.module.css'

const cx = classesOf(styles)

export interface CloseSheetProps {
  readonly uploadingTo: number
  readonly onClose: () => void
}

/** The first time the window is closed: keep seeding from the tray, or stop. */
export function CloseSheet({ uploadingTo, onClose }: CloseSheetProps) {
  const app = useApp()
  const [isRemembered, setIsRemembered] = useState(true)
  const answer = async (action: 'tray' | 'quit' | 'cancel') => {
    const reply = app.report(
      await app.bridge.call('desktop.closeWindow', {
        action,
        isRemembered: action !== 'cancel' && isRemembered,
      }),
    )
    onClose()
    return reply
  }
  return (
    <Sheet
      title={t('close.title')}
      intro={uploadingTo > 0 ? t('close.uploading', { count: uploadingTo }) : t('close.idle')}
      onClose={() => void answer('cancel')}
      foot={
        <>
          <Button tone="quiet" onPress={() => answer('quit')}>
            {t('close.quit')}
          </Button>
          <Button tone="primary" icon="sprout" isFocusedFirst onPress={() => answer('tray')}>
            {t('close.tray')}
          </Button>
        </>
      }
    >
      <label className={cx('check')}>
        <input
          type="checkbox"
          checked={isRemembered}
          onChange={(event) => setIsRemembered(event.target.checked)}
        />
        {t('close.remember')}
      </label>
    </Sheet>
  )
}
