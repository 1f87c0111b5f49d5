import { useState } from 'react'
import type { AccessRule, Item } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Button } from '../parts/Button.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { t } from '../strings/t.ts'
import { ConditionFields } from './ConditionFields.tsx'
import { EMPTY_CONDITION, ruleOf } from './condition-draft.ts'
import type { ConditionDraft } from './condition-draft.ts'
import styles from './sharing.module.css'

const cx = classesOf(styles)

export interface ConditionsSheetProps {
  readonly item: Item
  readonly onClose: () => void
}

const MAX_ROWS = 8

/** Lets Lit's network give the key of an item to whoever fulfils a few conditions. */
export function ConditionsSheet({ item, onClose }: ConditionsSheetProps) {
  const app = useApp()
  const [drafts, setDrafts] = useState<readonly ConditionDraft[]>([EMPTY_CONDITION])
  const [join, setJoin] = useState<'any' | 'all'>('any')
  const rules = drafts.map(ruleOf)
  const isComplete = rules.every((rule) => rule !== null)
  const share = async () => {
    const of = rules.filter((rule) => rule !== null)
    const [first] = of
    const rule: AccessRule = of.length === 1 && first !== undefined ? first : { kind: join, of }
    const reply = await app.sharing.setConditions(item.mediaId, rule)
    if (reply.ok) onClose()
    return reply
  }
  return (
    <ActionSheet
      isWide
      title={t('conditions.title')}
      intro={t('conditions.intro', { name: displayName(item.name) })}
      onClose={onClose}
      action={{
        label: t('conditions.confirm'),
        icon: 'key',
        isDisabled: !isComplete,
        onPress: share,
      }}
    >
      {drafts.length > 1 && (
        <Segmented
          label={t('conditions.join')}
          value={join}
          options={[
            { value: 'any', label: t('conditions.any') },
            { value: 'all', label: t('conditions.all') },
          ]}
          onChange={setJoin}
        />
      )}
      {drafts.map((draft, at) => (
        <ConditionFields
          // The rows have no identity but their place.
          key={at}
          number={at + 1}
          draft={draft}
          onChange={(changed) => setDrafts(drafts.map((one, i) => (i === at ? changed : one)))}
          {...(drafts.length > 1 ? { onRemove: () => setDrafts(drafts.filter((_one, i) => i !== at)) } : {})}
        />
      ))}
      <div>
        <Button
          isSmall
          icon="plus"
          isDisabled={drafts.length >= MAX_ROWS}
          onPress={() => setDrafts([...drafts, EMPTY_CONDITION])}
        >
          {t('conditions.more')}
        </Button>
      </div>
      <p className={cx('quiet')}>{t('conditions.means')}</p>
    </ActionSheet>
  )
}
