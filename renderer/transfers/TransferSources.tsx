import type { TransferSource } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { ROAD_ICONS } from '../discover/found-words.ts'
import { formatSize } from '../format/quantities.ts'
import { Icon } from '../parts/Icon.tsx'
import { t } from '../strings/t.ts'
import styles from './transfers.module.css'

const cx = classesOf(styles)

/** `IPFS gateway: ipfs.example.org`; a swarm and the relays need no address. */
function sourceName({ kind, label }: TransferSource): string {
  if (kind === 'torrent') return label === 'swarm' ? t('transfer.swarm') : label
  if (kind === 'http') return label
  return kind === 'gun' ? t('source.gun') : t('source.named', { kind: t(`road.${kind}`), name: label })
}

/** Every road the bytes come by: what it is, and what it gave or why it does not. */
export function TransferSources({ sources }: { readonly sources: readonly TransferSource[] }) {
  if (sources.length === 0) return null
  return (
    <ul className={cx('sources')} aria-label={t('transfer.sources')}>
      {sources.map((source) => (
        <li
          key={`${source.kind} ${source.label}`}
          className={cx('source', (source.state === 'dropped' || source.state === 'failed') && 'dropped')}
          title={source.note}
        >
          <Icon name={ROAD_ICONS[source.kind]} size={12} />
          {sourceName(source)}
          {' · '}
          {source.bytes > 0 && source.state !== 'dropped'
            ? formatSize(source.bytes)
            : t(`source.${source.state}`)}
        </li>
      ))}
    </ul>
  )
}
