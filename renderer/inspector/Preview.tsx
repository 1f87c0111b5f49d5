import { useState } from 'react'
import { classesOf } from '../class-names.ts'
import { displayName, mediaKind } from '../format/names.ts'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './inspector.module.css'

const cx = classesOf(styles)

export interface PreviewProps {
  readonly name: string
  readonly mime: string
  /** Empty until the bridge has an address for it. */
  readonly url: string
  /** Its bytes can be read now. */
  readonly isThere: boolean
  readonly isPlaying: boolean
  /** Without the margin it has in the inspector. */
  readonly isBare?: boolean
}

const DRAWABLE = /^image\/(png|jpeg|gif|webp|avif|bmp)$/

export function Preview({ name, mime, url, isThere, isPlaying, isBare }: PreviewProps) {
  const [hasFailed, setHasFailed] = useState(false)
  const kind = mediaKind(mime)
  const shown = displayName(name)
  const note = (text: string) => (
    <div className={cx('preview', isBare === true && 'bare')}>
      <p className={cx('noPreview')}>
        <Icon name={kind} size={32} />
        {text}
      </p>
    </div>
  )
  if (kind !== 'video' && kind !== 'audio' && kind !== 'image') return null
  if (isThere && url === '') return note(t('preview.loading'))
  if (!isThere) return note(t('preview.notThere'))
  if (hasFailed) return note(t(kind === 'image' ? 'preview.badPicture' : 'preview.badCodec', { mime }))
  if (kind === 'image') {
    if (!DRAWABLE.test(mime)) return note(t('preview.unsafePicture'))
    return (
      <div className={cx('preview', isBare === true && 'bare')}>
        <img
          className={cx('media', 'picture')}
          src={url}
          alt={t('preview.pictureOf', { name: shown })}
          draggable={false}
          onError={() => setHasFailed(true)}
        />
      </div>
    )
  }
  const shared = {
    src: url,
    controls: true,
    autoPlay: isPlaying,
    preload: 'metadata',
    'aria-label': t('preview.playerOf', { name: shown }),
    onError: () => setHasFailed(true),
  } as const
  return (
    <div className={cx('preview', isBare === true && 'bare')}>
      {kind === 'video' ? (
        <video
          className={cx('media')}
          {...shared}
          onLoadedMetadata={(event) => {
            // A video track that can't be decoded leaves the sound and no picture.
            if (event.currentTarget.videoWidth === 0) setHasFailed(true)
          }}
        />
      ) : (
        <div className={cx('sound')}>
          <span className={cx('soundGlyph')}>
            <Icon name="audio" size={40} />
          </span>
          <audio {...shared} />
        </div>
      )}
    </div>
  )
}
