import { useEffect, useState } from 'react'
import { useApp, useDesktop } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Icon } from '../parts/Icon.tsx'
import type { Audience } from '../stores/item-verbs.ts'
import { t } from '../strings/t.ts'
import styles from './drop-zone.module.css'

const cx = classesOf(styles)

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true
const hasLink = (event: DragEvent): boolean => event.dataTransfer?.types.includes('text/plain') === true

const MOST_CARD_BYTES = 16_384
const isCardFile = (file: File): boolean => /\.sowercard$/i.test(file.name) && file.size <= MOST_CARD_BYTES

const AUDIENCES: readonly Audience[] = ['public', 'private']

/** The whole window takes files; which half they fall on says who may have them. */
export function DropZone() {
  const app = useApp()
  const [isOver, setIsOver] = useState(false)
  const [over, setOver] = useState<Audience | null>(null)
  const isRunning = useDesktop((state) => state.engine.state === 'running')

  useEffect(() => {
    const handleOver = (event: DragEvent) => {
      if (!hasFiles(event) && !hasLink(event)) return
      // Also keeps a dropped file from replacing the page.
      event.preventDefault()
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = isRunning ? 'copy' : 'none'
      if (hasFiles(event) && isRunning) setIsOver(true)
    }
    const handleLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setIsOver(false)
    }
    const handleDrop = (event: DragEvent) => {
      event.preventDefault()
      setIsOver(false)
      if (!isRunning || event.dataTransfer === null) return
      const { files } = event.dataTransfer
      const [first] = files
      if (files.length === 1 && first !== undefined && isCardFile(first)) {
        return void first.text().then((card) => app.shell.openSheet({ kind: 'add-contact', card }))
      }
      const paths = [...files].map((file) => app.bridge.pathForFile(file)).filter((path) => path !== '')
      if (paths.length === 0) {
        if (files.length > 0) return app.shell.openSheet({ kind: 'give-path' })
        const link = event.dataTransfer.getData('text/plain').trim()
        if (link !== '') app.shell.openLink(link.slice(0, 16_384))
        return
      }
      const zone =
        event.target instanceof Element ? event.target.closest<HTMLElement>('[data-audience]') : null
      const audience = AUDIENCES.find((one) => one === zone?.dataset['audience'])
      if (audience === undefined) app.shell.openSheet({ kind: 'ask-access', paths })
      else void app.verbs.add(paths, audience, [])
    }
    window.addEventListener('dragenter', handleOver)
    window.addEventListener('dragover', handleOver)
    window.addEventListener('dragleave', handleLeave)
    window.addEventListener('drop', handleDrop)
    return () => {
      window.removeEventListener('dragenter', handleOver)
      window.removeEventListener('dragover', handleOver)
      window.removeEventListener('dragleave', handleLeave)
      window.removeEventListener('drop', handleDrop)
    }
  }, [app, isRunning])

  if (!isOver) return null
  const zone = (audience: Audience) => (
    <div
      data-audience={audience}
      className={cx('zone', audience, over === audience && 'isOver')}
      onDragEnter={() => setOver(audience)}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)))
          setOver(null)
      }}
    >
      <span className={cx('glyph')}>
        <Icon name={audience === 'public' ? 'sprout' : 'lock'} size={44} />
      </span>
      <strong className={cx('title')}>{t(audience === 'public' ? 'drop.public' : 'drop.private')}</strong>
      <span className={cx('text')}>{t(audience === 'public' ? 'drop.publicText' : 'drop.privateText')}</span>
    </div>
  )
  return (
    <div className={cx('overlay')} role="presentation">
      {zone('public')}
      {zone('private')}
    </div>
  )
}
