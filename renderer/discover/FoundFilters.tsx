import { useStore } from 'zustand'
import { useEffect, useRef } from 'react'
import type { MediaKind } from '../../app/contract/index.ts'
import { useApp, useShell } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Icon, type IconName } from '../parts/Icon.tsx'
import type { FoundFeed } from '../stores/found-feed.ts'
import { t } from '../strings/t.ts'
import chips from '../parts/chips.module.css'
import search from '../parts/search.module.css'
import styles from './feed.module.css'
import { idInSearch } from './found-words.ts'

const cx = classesOf(chips, search, styles)

const KINDS: readonly { readonly kind: MediaKind; readonly icon: IconName }[] = [
  { kind: 'video', icon: 'video' },
  { kind: 'audio', icon: 'audio' },
  { kind: 'image', icon: 'image' },
  { kind: 'text', icon: 'text' },
  { kind: 'other', icon: 'file' },
]

/** What is looked for: words, one kind, only those one follows. */
export function FoundFilters({ feed }: { readonly feed: FoundFeed }) {
  const app = useApp()
  const query = useStore(feed.store, (state) => state.query)
  const asked = useShell((state) => state.searchFocusAsked)
  const input = useRef<HTMLInputElement>(null)
  const answered = useRef(asked)
  useEffect(() => {
    if (asked !== answered.current) input.current?.select()
    answered.current = asked
  }, [asked])
  const chip = (isOn: boolean, label: string, icon: IconName | null, onPress: () => void) => (
    <button
      key={label}
      type="button"
      aria-pressed={isOn}
      className={cx('chip', isOn && 'isOn')}
      onClick={onPress}
    >
      {icon !== null && <Icon name={icon} size={14} />}
      {label}
    </button>
  )
  return (
    <div className={cx('filters')}>
      <form
        className={cx('search')}
        role="search"
        aria-label={t('discover.search')}
        onSubmit={(event) => {
          event.preventDefault()
          const id = idInSearch(query.text)
          if (id !== null) return app.discover.open({ kind: 'item', id, known: null })
          document.querySelector<HTMLElement>('[data-region="list"]')?.focus()
        }}
      >
        <Icon name="search" size={16} />
        <input
          ref={input}
          className={cx('searchInput')}
          type="search"
          value={query.text}
          maxLength={200}
          spellCheck={false}
          placeholder={t('discover.searchHint')}
          aria-label={t('discover.search')}
          onChange={(event) => feed.setQuery({ text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || query.text === '') return
            event.preventDefault()
            event.stopPropagation()
            feed.setQuery({ text: '' })
          }}
        />
      </form>
      <div className={cx('chips')} role="group" aria-label={t('discover.kinds')}>
        {chip(query.kind === null, t('discover.kind.all'), null, () => feed.setQuery({ kind: null }))}
        {KINDS.map(({ kind, icon }) =>
          chip(query.kind === kind, t(`discover.kind.${kind}`), icon, () =>
            feed.setQuery({ kind: query.kind === kind ? null : kind }),
          ),
        )}
        <span className={cx('rule')} aria-hidden="true" />
        {chip(query.isFollowedOnly, t('discover.followedOnly'), 'star', () =>
          feed.setQuery({ isFollowedOnly: !query.isFollowedOnly }),
        )}
      </div>
    </div>
  )
}
