import { useApp } from '../app-context.ts'
import { displayName } from '../format/names.ts'
import { mimeOfName } from '../format/mime-of-name.ts'
import { Preview } from '../inspector/Preview.tsx'
import { Sheet } from '../parts/Sheet.tsx'
import { t } from '../strings/t.ts'

export interface WatchSheetProps {
  readonly transferId: string
  readonly name: string
  readonly onClose: () => void
}

/** A download that can be watched already. */
export function WatchSheet({ transferId, name, onClose }: WatchSheetProps) {
  const { bridge } = useApp()
  return (
    <Sheet isWide title={displayName(name)} intro={t('watch.intro')} onClose={onClose}>
      <Preview
        name={name}
        mime={mimeOfName(name)}
        url={bridge.transferUrl(transferId)}
        isThere
        isPlaying
        isBare
      />
    </Sheet>
  )
}
