import type { ReactNode } from 'react'
import { t } from '../strings/t.ts'
import { Button } from './Button.tsx'
import type { IconName } from './Icon.tsx'
import { Sheet } from './Sheet.tsx'

export interface ActionSheetProps {
  readonly title: string
  readonly intro?: ReactNode
  readonly children?: ReactNode
  readonly isWide?: boolean
  readonly action: {
    readonly label: string
    readonly icon: IconName
    readonly isDisabled?: boolean
    /** As a button's; closes the sheet itself when it went well. */
    readonly onPress: () => unknown
  }
  /** The button that has the focus first; without it, what the sheet's fields say. */
  readonly focusedFirst?: 'cancel' | 'action'
  readonly onClose: () => void
}

/** A sheet for one thing to do: what it needs is filled in, then it is done or left. */
export function ActionSheet(props: ActionSheetProps) {
  const { title, intro, children, isWide, action, focusedFirst, onClose } = props
  return (
    <Sheet
      title={title}
      intro={intro}
      isWide={isWide === true}
      onClose={onClose}
      foot={
        <>
          <Button tone="quiet" isFocusedFirst={focusedFirst === 'cancel'} onPress={onClose}>
            {t('action.cancel')}
          </Button>
          <Button
            tone="primary"
            icon={action.icon}
            isDisabled={action.isDisabled === true}
            isFocusedFirst={focusedFirst === 'action'}
            onPress={action.onPress}
          >
            {action.label}
          </Button>
        </>
      }
    >
      {children}
    </Sheet>
  )
}
