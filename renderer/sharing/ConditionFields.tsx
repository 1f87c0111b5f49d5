import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { TextField } from '../parts/TextField.tsx'
import { t } from '../strings/t.ts'
import type { ConditionDraft } from './condition-draft.ts'
import styles from './sharing.module.css'

const cx = classesOf(styles)

export interface ConditionFieldsProps {
  /** From 1. */
  readonly number: number
  readonly draft: ConditionDraft
  readonly onChange: (draft: ConditionDraft) => void
  /** Absent: the only one, which stays. */
  readonly onRemove?: () => void
}

/** One condition: a wallet, or so much of a token. */
export function ConditionFields({ number, draft, onChange, onRemove }: ConditionFieldsProps) {
  const { kind, address, chain, atLeast } = draft
  return (
    <fieldset className={cx('condition')}>
      <legend className={cx('legend')}>{t('conditions.number', { count: number })}</legend>
      <Segmented
        label={t('conditions.kind')}
        value={kind}
        options={[
          { value: 'wallet', label: t('conditions.wallet') },
          { value: 'ERC20', label: t('conditions.coin') },
          { value: 'ERC721', label: t('conditions.nft') },
        ]}
        onChange={(value) => onChange({ ...draft, kind: value })}
      />
      <TextField
        label={t(kind === 'wallet' ? 'conditions.address' : 'conditions.contract')}
        value={address}
        placeholder="0x…"
        isMono
        onChange={(value) => onChange({ ...draft, address: value.trim() })}
      />
      <div className={cx('pair')}>
        <TextField
          label={t('conditions.chain')}
          value={chain}
          onChange={(value) => onChange({ ...draft, chain: value.trim() })}
        />
        {kind !== 'wallet' && (
          <TextField
            label={t('conditions.atLeast')}
            value={atLeast}
            isNumber
            onChange={(value) => onChange({ ...draft, atLeast: value.trim() })}
          />
        )}
      </div>
      {onRemove !== undefined && (
        <div>
          <Button isSmall tone="quiet" icon="close" onPress={onRemove}>
            {t('conditions.remove')}
          </Button>
        </div>
      )}
    </fieldset>
  )
}
