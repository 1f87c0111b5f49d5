import encodeQR from 'qr'
import { useMemo } from 'react'
import { classesOf } from '../class-names.ts'
import styles from './qr-code.module.css'

const cx = classesOf(styles)

export interface QrCodeProps {
  /** At most about 2,900 characters fit. */
  readonly text: string
  readonly label: string
}

/** `text` as a code to scan, drawn in vectors: dark on light in both themes. */
export function QrCode({ text, label }: QrCodeProps) {
  const { path, size } = useMemo(() => draw(text), [text])
  return (
    <svg
      className={cx('code')}
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect className={cx('paper')} width={size} height={size} />
      <path className={cx('ink')} d={path} />
    </svg>
  )
}

/** One rectangle per run of dark modules; the quiet zone of four modules is part of the size. */
function draw(text: string): { path: string; size: number } {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 })
  const parts: string[] = []
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      const from = x
      while (row[x] === true) x += 1
      if (x > from) parts.push(`M${from} ${y}h${x - from}v1H${from}z`)
    }
  })
  return { path: parts.join(''), size: rows.length }
}
