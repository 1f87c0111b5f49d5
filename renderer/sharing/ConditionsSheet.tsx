import { useEffect, useState } from 'react'
import type { AccessRule, Item } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { ActionSheet } from '../parts/ActionSheet.tsx'
import { Button } from '../parts/Button.tsx'
import { Segmented } from '../parts/Segmented.tsx'
import { t } from '../strings/t.ts'
import { ConditionFields } from './ConditionFields.tsx'
import { draftsOf, EMPTY_CONDITION, MAX_ROWS, ruleOf } from './condition-draft.ts'
import type { ConditionDraft } from './condition-draft.ts'
import { ruleLines } from './rule-words.ts'
import styles from './sharing.module.css'

const cx = classesOf(styles)

export interface ConditionsSheetProps {
  readonly item: Item
  readonly onClose: () => void
}

/** Lets Lit's network give the key of an item to whoever fulfils a few conditions: others than now, or none any more. */
export function ConditionsSheet({ item, onClose }: ConditionsSheetProps) {
  const app = useApp()
  const [drafts, setDrafts] = useState<readonly ConditionDraft[]>([EMPTY_CONDITION])
  const [join, setJoin] = useState<'any' | 'all'>('any')
  const [unshown, setUnshown] = useState<string | null>(null)
  const { mediaId, hasConditions } = item
  useEffect(() => {
    if (!hasConditions) return
    let isStale = false
    void app.bridge.call('sharing.people', { mediaId }).then((reply) => {
      if (isStale || !reply.ok || reply.value.conditions === undefined) return
      const { rule } = reply.value.conditions
      const filled = rule === undefined ? null : draftsOf(rule)
      if (filled === null) {
        setUnshown(rule === undefined ? t('people.conditionsUnknown') : ruleLines(rule).join(t('rule.or')))
        return
      }
      setDrafts(filled.drafts)
      setJoin(filled.join)
    })
    return () => {
      isStale = true
    }
  }, [app, mediaId, hasConditions])
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
      {unshown !== null && <p>{t('conditions.setNow', { rule: unshown })}</p>}
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
      {hasConditions && (
        <div>
          <Button
            isSmall
            tone="quiet"
            icon="close"
            onPress={() => app.shell.openSheet({ kind: 'no-conditions', item })}
          >
            {t('conditions.takeAway')}
          </Button>
        </div>
      )}
    </ActionSheet>
  )
}
