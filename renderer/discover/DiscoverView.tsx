import { useEffect, useRef } from 'react'
import { useApp, useDiscover } from '../app-context.ts'
import { DiscoverFeed } from './DiscoverFeed.tsx'
import { foundKey } from '../stores/found-feed.ts'
import { ItemPage } from './ItemPage.tsx'
import { PublisherPage } from './PublisherPage.tsx'
import { classesOf } from '../class-names.ts'
import styles from './discover.module.css'

const cx = classesOf(styles)

/** What others publish: the feed, and from there an item or a publisher. */
export function DiscoverView() {
  const app = useApp()
  const place = useDiscover((state) => state.trail.at(-1))
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // Whoever came by keyboard goes on from the page that opened, not from the row that is gone.
    if (place !== undefined && place.kind !== 'feed') root.current?.querySelector('button')?.focus()
  }, [place])
  return (
    <div
      ref={root}
      className={cx('view')}
      onKeyDown={(event) => {
        const isBack = event.key === 'Escape' || (event.altKey && event.key === 'ArrowLeft')
        if (!isBack || place?.kind === 'feed') return
        event.preventDefault()
        app.discover.back()
      }}
    >
      {place?.kind === 'item' ? (
        <ItemPage
          key={place.known === null ? place.id : foundKey(place.known)}
          id={place.id}
          known={place.known}
        />
      ) : place?.kind === 'publisher' ? (
        <PublisherPage key={place.publisher} />
      ) : (
        <DiscoverFeed />
      )}
    </div>
  )
}
