import type { NodeStatus, RelayStatus, Settings, SettingsView } from '../../app/contract/index.ts'
import { useApp } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { formatAgo, formatDuration, formatSize } from '../format/quantities.ts'
import { Button } from '../parts/Button.tsx'
import { StateLabel, type StateLabelProps } from '../parts/StateLabel.tsx'
import { en } from '../strings/en.ts'
import { currentLocale, t, type TextKey } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './network.module.css'
import { isOutOfReach } from './out-of-reach.ts'

const cx = classesOf(page, styles)

const GUN_LOOKS: Readonly<Record<NodeStatus['network']['state'], Omit<StateLabelProps, 'text'>>> = {
  off: { tone: 'idle', icon: 'pause' },
  starting: { tone: 'plain', icon: 'clock' },
  running: { tone: 'good', icon: 'check' },
  restarting: { tone: 'warn', icon: 'refresh' },
}

export interface RelaysCardProps {
  readonly network: NodeStatus['network']
  readonly settings: SettingsView | null
  readonly nowMs: number
}

/** How telling and finding goes: the relays, what this node says there, and what it did not listen to. */
export function RelaysCard({ network, settings, nowMs }: RelaysCardProps) {
  const app = useApp()
  const count = new Intl.NumberFormat(currentLocale())
  const dropped = Object.entries(network.dropped).filter(([, times]) => times > 0)
  const droppedInAll = dropped.reduce((sum, [, times]) => sum + times, 0)
  const isFixed = settings?.fixedBy.gunPeers !== undefined
  const facts: readonly (readonly [string, string])[] = [
    [t('network.said'), settings === null ? '' : saidWords(settings.values, network)],
    ...owedFact(network.owed, count),
    [t('network.sockets'), count.format(network.sockets)],
    [t('network.gunMemory'), formatSize(network.memoryBytes)],
    [t('network.restarts'), count.format(network.restarts)],
  ]
  return (
    <section className={cx('card')} aria-labelledby="network-relays">
      <div className={cx('cardHead')}>
        <h2 id="network-relays" className={cx('cardTitle')}>
          {t('network.gun')}
        </h2>
        {isOutOfReach(network) ? (
          <StateLabel tone="warn" icon="clock" text={t('gun.alone')} />
        ) : (
          <StateLabel {...GUN_LOOKS[network.state]} text={t(`gun.${network.state}`)} />
        )}
      </div>
      <p className={cx('cardText')}>
        {t(network.relays.length === 0 ? 'network.noRelays' : 'network.gunText')}
      </p>
      {network.clockAheadMs !== undefined && (
        <p className={cx('message')}>
          {t(network.clockAheadMs > 0 ? 'network.clockAhead' : 'network.clockBehind', {
            time: formatDuration(Math.abs(network.clockAheadMs)),
          })}
        </p>
      )}
      <ul aria-labelledby="network-relays">
        {network.relays.map((relay) => (
          <li key={relay.url} className={cx('tracker')}>
            <bdi className={cx('address')} title={relay.url}>
              {relay.url}
            </bdi>
            <StateLabel {...relayLook(relay, nowMs)} />
            {relay.error !== undefined && relay.state !== 'open' && (
              <p className={cx('message')}>{relay.error}</p>
            )}
          </li>
        ))}
      </ul>
      {network.relays.length === 0 && !isFixed && (
        <div className={cx('cardAction')}>
          <Button icon="plus" onPress={() => app.shell.openSheet({ kind: 'add-relay' })}>
            {t('discover.addRelay')}
          </Button>
        </div>
      )}
      <dl className={cx('facts')}>
        {facts.map(([term, value]) => (
          <div key={term} className={cx('fact')}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div className={cx('fact')}>
          <dt>{t('network.dropped')}</dt>
          <dd>
            {droppedInAll === 0 ? (
              t('network.droppedNone')
            ) : (
              <details>
                <summary className={cx('summary')}>
                  {count.format(droppedInAll)} <span className={cx('why')}>{t('network.droppedShow')}</span>
                </summary>
                <ul className={cx('reasons')}>
                  {dropped
                    .sort(([, a], [, b]) => b - a)
                    .map(([reason, times]) => (
                      <li key={reason}>
                        <span>{dropWords(reason)}</span>
                        <span>{count.format(times)}</span>
                      </li>
                    ))}
                </ul>
              </details>
            )}
          </dd>
        </div>
      </dl>
    </section>
  )
}

/** Nothing while there is no relay to have it. */
function owedFact(
  owed: number | undefined,
  count: Intl.NumberFormat,
): readonly (readonly [string, string])[] {
  if (owed === undefined) return []
  return [[t('network.owed'), owed === 0 ? t('network.owedNone') : count.format(owed)]]
}

function relayLook({ state, sinceMs }: RelayStatus, nowMs: number): StateLabelProps {
  switch (state) {
    case 'open':
      return { tone: 'good', icon: 'check', text: t('relayState.open', { when: formatAgo(sinceMs, nowMs) }) }
    case 'connecting':
      return { tone: 'plain', icon: 'clock', text: t('relayState.connecting') }
    case 'waiting':
      return { tone: 'warn', icon: 'warning', text: t('relayState.waiting') }
  }
}

function saidWords({ isAddressShared, region }: Settings, { state }: NodeStatus['network']): string {
  if (state === 'off') return t('network.saidNothing')
  const said = t(isAddressShared ? 'network.saidAddress' : 'network.saidItems')
  return region === null ? said : t('network.saidRegion', { said, region })
}

const isTextKey = (key: string): key is TextKey => Object.hasOwn(en, key)

/** Reasons are the filter's own short names; a new one is still counted. */
function dropWords(reason: string): string {
  const key = `drop.${reason}`
  // Only parameterless entries live under `drop.`.
  return isTextKey(key) ? t(key as 'drop.other') : t('drop.other')
}
