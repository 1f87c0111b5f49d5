import { enDiscover } from './en-discover.ts'
import { enErrors } from './en-errors.ts'
import { enLibrary } from './en-library.ts'
import { enSettings } from './en-settings.ts'
import { enSharing } from './en-sharing.ts'
import { enShell } from './en-shell.ts'
import { enWallet } from './en-wallet.ts'

/**
 * All text of the window in English. A plain entry is a string, one that counts has the forms `one` and `other` and
 * takes `count`. `{name}` is for names of files, people and the like: it is isolated from the sentence's direction.
 */
export const en = {
  ...enShell,
  ...enLibrary,
  ...enSharing,
  ...enWallet,
  ...enSettings,
  ...enDiscover,
  ...enErrors,
} as const
