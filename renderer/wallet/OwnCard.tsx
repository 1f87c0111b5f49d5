import { useEffect, useRef, useState } from 'react'
import type { EngineResult, ErrorShape } from '../../app/contract/index.ts'
import { useApp, useMemory } from '../app-context.ts'
import { classesOf } from '../class-names.ts'
import { Button } from '../parts/Button.tsx'
import { Fingerprint } from '../parts/Fingerprint.tsx'
import { QrCode } from '../parts/QrCode.tsx'
import { TextField } from '../parts/TextField.tsx'
import { errorWords } from '../strings/error-words.ts'
import { t } from '../strings/t.ts'
import page from '../parts/page.module.css'
import styles from './wallet.module.css'

const cx = classesOf(page, styles)

/** A name is signed into the card once the typing has paused. */
const SIGN_AFTER_MS = 350

/** One's own card: fingerprint, code to scan, link and file. */
export function OwnCard() {
  const app = useApp()
  const name = useMemory((state) => state.cardName)
  const [card, setCard] = useState<EngineResult<'vault.card'> | null>(null)
  const [error, setError] = useState<ErrorShape | null>(null)
  const isFirst = useRef(true)
  const trimmed = name.trim()
  useEffect(() => {
    let isStale = false
    const timer = setTimeout(
      () =>
        void app.bridge.call('vault.card', trimmed === '' ? {} : { name: trimmed }).then((reply) => {
          if (isStale) return
          if (reply.ok) setCard(reply.value)
          setError(reply.ok ? null : reply.error)
        }),
      isFirst.current ? 0 : SIGN_AFTER_MS,
    )
    isFirst.current = false
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [app, trimmed])

  if (error !== null) {
    const { title, next } = errorWords(error)
    return (
      <p className={cx('problem')} role="alert">
        <strong>{title}</strong> {next}
      </p>
    )
  }
  return (
    <div className={cx('own')}>
      <div className={cx('ownWords')}>
        <div>
          <p className={cx('label')}>{t('wallet.fingerprint')}</p>
          {card === null ? (
            <span className={cx('bone')} aria-hidden="true" />
          ) : (
            <Fingerprint value={card.fingerprint} isLarge />
          )}
          <p className={cx('quiet')}>{t('wallet.fingerprintText')}</p>
        </div>
        <TextField
          label={t('card.name')}
          hint={t('card.nameHint')}
          value={name}
          onChange={(value) => app.memory.setCardName(value.slice(0, 200))}
        />
        <div className={cx('buttons')}>
          <Button tone="primary" icon="copy" onPress={() => app.sharing.copyCard(name)}>
            {t('card.copy')}
          </Button>
          <Button icon="file" onPress={() => app.sharing.saveCard(name)}>
            {t('card.save')}
          </Button>
        </div>
      </div>
      <figure className={cx('code')}>
        {card === null ? (
          <span className={cx('noCode')} aria-hidden="true" />
        ) : (
          <QrCode text={card.link} label={t('card.qr')} />
        )}
        <figcaption className={cx('quiet')}>{t('card.scan')}</figcaption>
      </figure>
    </div>
  )
}
