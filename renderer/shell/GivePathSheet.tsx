import { useState } from 'react'
import { useApp } from '../app-context.ts'
import { TextField } from '../parts/TextField.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { Button } from '../parts/Button.tsx'
import { t } from '../strings/t.ts'
import { AudienceCards } from './AudienceCards.tsx'

export interface GivePathSheetProps {
  readonly onClose: () => void
}

const isAbsolute = (path: string): boolean => /^(\/|[a-zA-Z]:[\\/]|\\\\)/.test(path)

/** In a browser the node reads files on its own machine: by path. */
export function GivePathSheet({ onClose }: GivePathSheetProps) {
  const app = useApp()
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const paths = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return (
    <Sheet
      title={t('path.title')}
      intro={t('path.intro')}
      onClose={onClose}
      foot={
        <Button
          tone="quiet"
          icon="link"
          onPress={() => app.shell.openSheet({ kind: 'paste-link', link: '' })}
        >
          {t('path.linkInstead')}
        </Button>
      }
    >
      <TextField
        label={t('path.label')}
        value={text}
        isMultiline
        isMono
        isFocusedFirst
        {...(error === undefined ? {} : { error })}
        onChange={(value) => {
          setText(value)
          setError(undefined)
        }}
      />
      <AudienceCards
        onChoose={(audience) => {
          if (paths.length === 0 || !paths.every(isAbsolute)) return setError(t('path.notAbsolute'))
          void app.verbs.add(paths, audience, []).then((reply) => {
            if (reply.ok) onClose()
          })
        }}
      />
    </Sheet>
  )
}
