import type { ReactNode } from 'react'
import { Button } from './Button.tsx'
import type { IconName } from './Icon.tsx'
import { Sheet } from './Sheet.tsx'

export interface RemoveSheetProps {
  readonly title: string
  readonly intro: ReactNode
  readonly children?: ReactNode
  readonly keepLabel: string
  readonly removeLabel: string
  readonly icon: IconName
  /** Resolves to how it went, as a button's `onPress` does; the sheet closes either way. */
  readonly onRemove: () => Promise<unknown>
  readonly onClose: () => void
}

/** Asks before something is taken away; the focus is on keeping it. */
export function RemoveSheet(props: RemoveSheetProps) {
  const { title, intro, children, keepLabel, removeLabel, icon, onRemove, onClose } = props
  return (
    <Sheet
      title={title}
      intro={intro}
      onClose={onClose}
      foot={
        <>
          <Button isFocusedFirst onPress={onClose}>
            {keepLabel}
          </Button>
          <Button
            tone="danger-fill"
            icon={icon}
            onPress={async () => {
              const outcome = await onRemove()
              onClose()
              return outcome
            }}
          >
            {removeLabel}
          </Button>
        </>
      }
    >
      {children}
    </Sheet>
  )
}
