import { useApp, useShell } from '../app-context.ts'
import { AddContactSheet } from '../contacts/AddContactSheet.tsx'
import { RemoveContactSheet } from '../contacts/RemoveContactSheet.tsx'
import { FollowSheet } from '../discover/FollowSheet.tsx'
import { AddRelaySheet } from '../discover/AddRelaySheet.tsx'
import { KeyLinkSheet } from '../sharing/KeyLinkSheet.tsx'
import { ConditionsSheet } from '../sharing/ConditionsSheet.tsx'
import { RemoveConditionsSheet } from '../sharing/RemoveConditionsSheet.tsx'
import { ShareSheet } from '../sharing/ShareSheet.tsx'
import { UnshareSheet } from '../sharing/UnshareSheet.tsx'
import { WatchSheet } from '../transfers/WatchSheet.tsx'
import { BackupFileSheet } from '../wallet/BackupFileSheet.tsx'
import { BackupWordsSheet } from '../wallet/BackupWordsSheet.tsx'
import { NewWalletSheet } from '../wallet/NewWalletSheet.tsx'
import { RestoreSheet } from '../wallet/RestoreSheet.tsx'
import { RotateSheet } from '../wallet/RotateSheet.tsx'
import { UnlockSheet } from '../wallet/UnlockSheet.tsx'
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
    case 'add-contact':
      return <AddContactSheet key={sheet.card} card={sheet.card} onClose={close} />
    case 'follow':
      return <FollowSheet key={sheet.publisher} publisher={sheet.publisher} onClose={close} />
    case 'add-relay':
      return <AddRelaySheet onClose={close} />
    case 'remove-contact':
      return <RemoveContactSheet contact={sheet.contact} onClose={close} />
    case 'share':
      return <ShareSheet item={sheet.item} onClose={close} />
    case 'conditions':
      return <ConditionsSheet item={sheet.item} onClose={close} />
    case 'no-conditions':
      return <RemoveConditionsSheet item={sheet.item} onClose={close} />
    case 'unshare':
      return <UnshareSheet item={sheet.item} person={sheet.person} onClose={close} />
    case 'key-link':
      return <KeyLinkSheet item={sheet.item} onClose={close} />
    case 'watch':
      return <WatchSheet transferId={sheet.transferId} name={sheet.name} onClose={close} />
    case 'backup-words':
      return <BackupWordsSheet onClose={close} />
    case 'backup-file':
      return <BackupFileSheet onClose={close} />
    case 'restore':
      return <RestoreSheet onClose={close} />
    case 'new-wallet':
      return <NewWalletSheet onClose={close} />
    case 'unlock':
      return <UnlockSheet onClose={close} />
    case 'rotate':
      return <RotateSheet onClose={close} />
  }
}
