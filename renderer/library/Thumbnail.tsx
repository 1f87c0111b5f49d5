import { useState } from 'react'
import { classesOf } from '../class-names.ts'
import { mediaKind } from '../format/names.ts'
import { Icon } from '../parts/Icon.tsx'
import kinds from '../parts/media-kinds.module.css'
import styles from './thumbnail.module.css'

const cx = classesOf(kinds, styles)

/** Larger pictures are not worth decoding for 32 points. */
const LARGEST_THUMBNAIL_BYTES = 3_000_000
const DRAWABLE = /^image\/(png|jpeg|gif|webp|avif|bmp)$/

export interface ThumbnailProps {
  readonly mime: string
  readonly sizeBytes: number
  readonly url: string
  /** False while the list is moving fast; a picture that was allowed once stays. */
  readonly mayLoad: boolean
}

export function Thumbnail({ mime, sizeBytes, url, mayLoad }: ThumbnailProps) {
  const [failedUrl, setFailedUrl] = useState<string>()
  const [isAllowed, setIsAllowed] = useState(mayLoad)
  if (mayLoad && !isAllowed) setIsAllowed(true)
  const kind = mediaKind(mime)
  const isPicture =
    isAllowed &&
    url !== '' &&
    url !== failedUrl &&
    DRAWABLE.test(mime) &&
    sizeBytes <= LARGEST_THUMBNAIL_BYTES
  return (
    <span className={cx('thumbnail', kind)}>
      {isPicture ? (
        <img
          className={cx('picture')}
          src={url}
          alt=""
          decoding="async"
          draggable={false}
          onError={() => setFailedUrl(url)}
        />
      ) : (
        <Icon name={kind} size={18} />
      )}
    </span>
  )
}
