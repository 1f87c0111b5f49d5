import { useApp, useShell } from '../app-context.ts'
import { AskAccessSheet } from './AskAccessSheet.tsx'
import { CloseSheet } from './CloseSheet.tsx'
import { ConfirmRemoveSheet } from './ConfirmRemoveSheet.tsx'
import { GivePathSheet } from './GivePathSheet.tsx'
import { PasteLinkSheet } from './PasteLinkSheet.tsx'
import { ShortcutsSheet } from './ShortcutsSheet.tsx'

/** Whichever sheet lies over the window. */
export function Sheets() {
  const { shell } = useApp()
  const sheet = useShell((state) => state.sheet)
  const close = () => shell.closeSheet()
  switch (sheet.kind) {
    case 'none':
      return null
    case 'ask-access':
      return <AskAccessSheet key={sheet.paths.join('\n')} paths={sheet.paths} onClose={close} />
    case 'paste-link':
      return <PasteLinkSheet key={sheet.link} link={sheet.link} onClose={close} />
    case 'give-path':
      return <GivePathSheet onClose={close} />
    case 'shortcuts':
      return <ShortcutsSheet onClose={close} />
    case 'close-asked':
      return <CloseSheet uploadingTo={sheet.uploadingTo} onClose={close} />
    case 'confirm-remove':
      return <ConfirmRemoveSheet mediaIds={sheet.mediaIds} onClose={close} />
  }
}
