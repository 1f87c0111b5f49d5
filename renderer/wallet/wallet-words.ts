import type { WalletStatus } from '../../app/contract/index.ts'
import { t } from '../strings/t.ts'

export type WalletFix = 'try' | 'unlock' | 'restore'

export interface WalletTrouble {
  readonly title: string
  readonly next: string
  /** What the one main button does. */
  readonly fix: WalletFix
}

/** What keeps the wallet closed, and the one thing that helps; undefined while it is open. */
export function walletTrouble({
  state,
  storage,
}: Pick<WalletStatus, 'state' | 'storage'>): WalletTrouble | undefined {
  const isFile = storage === 'passphrase'
  switch (state) {
    case 'ready':
      return undefined
    case 'locked':
      return isFile
        ? { title: t('wallet.lockedFile'), next: t('wallet.whatNow.lockedFile'), fix: 'unlock' }
        : { title: t('wallet.locked'), next: t('wallet.whatNow.locked'), fix: 'try' }
    case 'absent':
      return { title: t('wallet.absent'), next: t('wallet.whatNow.absent'), fix: 'try' }
    case 'denied':
      return { title: t('wallet.denied'), next: t('wallet.whatNow.denied'), fix: 'try' }
    case 'wrong':
      return isFile
        ? { title: t('wallet.wrong'), next: t('wallet.whatNow.wrong'), fix: 'unlock' }
        : { title: t('wallet.wrongKeychain'), next: t('wallet.whatNow.wrongKeychain'), fix: 'restore' }
    case 'damaged':
      return { title: t('wallet.damaged'), next: t('wallet.whatNow.damaged'), fix: 'restore' }
  }
}

/** 0 easy to guess … 2 hard: by length and variety, which is all a program without a dictionary can tell. */
export function passwordStrength(password: string): 0 | 1 | 2 {
  const classes = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((one) =>
    one.test(password),
  ).length
  const distinct = new Set(password).size
  const score = Math.min(password.length, distinct * 2) + classes * 2
  return score >= 22 ? 2 : score >= 16 ? 1 : 0
}
