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
    readonly isFocusedFirst?: boolean
    /** Resolves to how it went, as a button's `onPress` does; the sheet closes when it went well. */
    readonly run: () => Promise<boolean | { readonly ok: boolean }>
  }
  readonly onClose: () => void
}

/** A sheet for one thing to do: what it needs is filled in, then it is done or left. */
export function ActionSheet({ title, intro, children, isWide, action, onClose }: ActionSheetProps) {
  const { label, icon, isDisabled, isFocusedFirst, run } = action
  return (
    <Sheet
      title={title}
      intro={intro}
      isWide={isWide === true}
      onClose={onClose}
      foot={
        <>
          <Button tone="quiet" onPress={onClose}>
            {t('action.cancel')}
          </Button>
          <Button
            tone="primary"
            icon={icon}
            isDisabled={isDisabled === true}
            isFocusedFirst={isFocusedFirst === true}
            onPress={async () => {
              const outcome = await run()
              if (outcome === true || (typeof outcome === 'object' && outcome.ok)) onClose()
              return outcome
            }}
          >
            {label}
          </Button>
        </>
      }
    >
      {children}
    </Sheet>
  )
}
