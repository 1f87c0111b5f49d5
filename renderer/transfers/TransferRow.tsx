import type { Transfer } from '../../app/contract/index.ts'
import { classesOf } from '../class-names.ts'
import { displayName } from '../format/names.ts'
import { Button } from '../parts/Button.tsx'
import { Furrow } from '../parts/Furrow.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Name } from '../parts/Name.tsx'
import { StateLabel } from '../parts/StateLabel.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import { PriorityMenu } from './PriorityMenu.tsx'
import { TransferSources } from './TransferSources.tsx'
import { figuresOf, KIND_ICONS, progressOf, stagesOf, transferWords } from './transfer-words.ts'
import styles from './transfers.module.css'

const cx = classesOf(styles)

export type TransferVerb = 'pause' | 'resume' | 'retry' | 'cancel' | 'dismiss'

export interface TransferRowProps {
  readonly transfer: Transfer
  readonly onVerb: (verb: TransferVerb, id: string) => Promise<unknown>
  readonly onPriority: (id: string, priority: Transfer['priority']) => Promise<unknown>
  readonly onShow: (transfer: Transfer) => void
  readonly onWatch: (transfer: Transfer) => Promise<unknown>
}

export function TransferRow({ transfer, onVerb, onPriority, onShow, onWatch }: TransferRowProps) {
  const words = transferWords(transfer)
  const name = displayName(transfer.name)
  const { id, state } = transfer
  const isOpen = state === 'queued' || state === 'active' || state === 'paused'
  const isFinished = state === 'done' || state === 'cancelled'
  return (
    <div className={cx('rowBox')}>
      <div
        className={cx('row')}
        role="group"
        aria-label={t('transfer.rowLabel', { name, state: words.text })}
      >
        <span className={cx('glyph', state === 'done' && 'good', state === 'failed' && 'bad')}>
          <Icon
            name={state === 'done' ? 'check' : state === 'failed' ? 'warning' : KIND_ICONS[transfer.kind]}
          />
        </span>
        <div className={cx('head')}>
          <Name name={transfer.name} className={cx('name')} />
          {transfer.isEncrypted && (
            <span className={cx('sealed')}>
              <Icon name="lock" size={14} />
            </span>
          )}
          <span className={cx('figures')}>{figuresOf(transfer)}</span>
        </div>
        <div className={cx('actions')}>
          {transfer.isPlayable && isOpen && (
            <Button
              isSmall
              icon="video"
              label={t('watch.play', { name })}
              onPress={() => onWatch(transfer)}
            />
          )}
          {isOpen && transfer.kind === 'get' && <PriorityMenu transfer={transfer} onChoose={onPriority} />}
          {(state === 'active' || state === 'queued') && (
            <Button
              tone="quiet"
              isSmall
              icon="pause"
              label={t('transfer.pause', { name })}
              onPress={() => onVerb('pause', id)}
            />
          )}
          {state === 'paused' && (
            <Button
              tone="quiet"
              isSmall
              icon="play"
              label={t('transfer.resume', { name })}
              onPress={() => onVerb('resume', id)}
            />
          )}
          {isOpen && (
            <Button
              tone="quiet"
              isSmall
              icon="close"
              label={t('transfer.cancel', { name })}
              onPress={() => onVerb('cancel', id)}
            />
          )}
          {state === 'failed' && (
            <Button isSmall icon="refresh" onPress={() => onVerb('retry', id)}>
              {t('action.retry')}
            </Button>
          )}
          {state === 'done' && transfer.mediaId !== undefined && (
            <Button tone="quiet" isSmall onPress={() => onShow(transfer)}>
              {t('transfer.show')}
            </Button>
          )}
          {(isFinished || state === 'failed') && (
            <Button
              tone="quiet"
              isSmall
              icon="close"
              label={t('transfer.dismiss', { name })}
              onPress={() => onVerb('dismiss', id)}
            />
          )}
        </div>
        <div className={cx('body')}>
          {isOpen && (
            <Furrow
              ratio01={progressOf(transfer)}
              label={t('transfer.progressLabel', { name })}
              tone={state === 'active' ? 'good' : 'quiet'}
            />
          )}
          <div className={cx('line')}>
            <StateLabel {...words} />
            {isOpen && <Stages transfer={transfer} />}
          </div>
          {state === 'failed' && transfer.error !== undefined && <Why error={transfer.error} />}
          {transfer.kind === 'get' && state === 'active' && <TransferSources sources={transfer.sources} />}
        </div>
      </div>
    </div>
  )
}

function Stages({ transfer }: { readonly transfer: Transfer }) {
  const stages = stagesOf(transfer)
  const here = stages.indexOf(transfer.stage)
  return (
    <ol className={cx('stages')} aria-label={t('transfer.stages')}>
      {stages.map((stage, index) => (
        <li
          key={stage}
          aria-current={index === here ? 'step' : undefined}
          className={cx('stage', index < here && 'isPast', index === here && 'isNow')}
        >
          {t(`stage.${stage}`)}
        </li>
      ))}
    </ol>
  )
}

/** Cause, what is safe, and what to do. */
function Why({ error }: { readonly error: NonNullable<Transfer['error']> }) {
  const { title, next } = errorWords(error)
  return (
    <p className={cx('why')}>
      {error.message === title ? '' : `${error.message} `}
      {next}
    </p>
  )
}
