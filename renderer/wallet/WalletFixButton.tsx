import { useApp } from '../app-context.ts'
import { Button } from '../parts/Button.tsx'
import { t } from '../strings/t.ts'
import type { WalletFix } from './wallet-words.ts'

export interface WalletFixButtonProps {
  readonly fix: WalletFix
  readonly isSmall?: boolean
}

/** The one thing that helps a wallet that can't be opened. */
export function WalletFixButton({ fix, isSmall }: WalletFixButtonProps) {
  const app = useApp()
  const size = { isSmall: isSmall === true, tone: isSmall === true ? 'plain' : 'primary' } as const
  switch (fix) {
    case 'try':
      return (
        <Button
          {...size}
          icon="refresh"
          onPress={async () => {
            const reply = app.report(await app.bridge.call('vault.unlock', {}))
            await app.node.reload()
            return reply.ok && reply.value.state === 'ready'
          }}
        >
          {t('wallet.try')}
        </Button>
      )
    case 'unlock':
      return (
        <Button {...size} icon="key" onPress={() => app.shell.openSheet({ kind: 'unlock' })}>
          {t('wallet.unlock')}
        </Button>
      )
    case 'restore':
      return (
        <Button {...size} icon="undo" onPress={() => app.shell.openSheet({ kind: 'restore' })}>
          {t('wallet.restoreButton')}
        </Button>
      )
  }
}
