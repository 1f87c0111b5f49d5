import type { ItemDetail } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { formatSize } from '../format/quantities.ts'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './inspector.module.css'

const cx = classesOf(page, styles)

export interface PeersTabProps {
  readonly detail: ItemDetail | null
  readonly uploaded: string
}

/** Who is connected for this item right now. */
export function PeersTab({ detail, uploaded }: PeersTabProps) {
  if (detail === null) return <p className={cx('none')}>{t('peers.loading')}</p>
  if (detail.connectedPeers.length === 0) {
    return <p className={cx('none')}>{t('peers.none', { size: uploaded })}</p>
  }
  return (
    <ul className={cx('peers')}>
      {detail.connectedPeers.map((peer) => (
        <li key={`${peer.kind} ${peer.address}`} className={cx('peer')}>
          <bdi className={cx('address')}>{peer.address}</bdi>
          <span className={cx('kind')}>{t(`peers.${peer.kind}`)}</span>
          <bdi className={cx('client')}>{peer.client ?? t('peers.unknownClient')}</bdi>
          <span className={cx('peerFigures')}>
            {t('peers.gave', { size: formatSize(peer.uploadedBytes) })}
          </span>
        </li>
      ))}
    </ul>
  )
}
