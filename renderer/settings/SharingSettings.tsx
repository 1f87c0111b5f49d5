import { t } from '../strings/t.ts'
import { parseRate, rateText } from './parse-setting.ts'
import { SwitchSetting } from './SwitchSetting.tsx'
import { TextSetting } from './TextSetting.tsx'

/** How fast bytes leave and arrive, and what is done with what has arrived. */
export function SharingSettings() {
  return (
    <>
      <TextSetting
        name="uploadLimitBytesPerSec"
        label={t('settings.uploadLimit')}
        hint={t('settings.limitHint')}
        unit="MB/s"
        placeholder={t('settings.noLimit')}
        problem={t('settings.rateBad')}
        toText={rateText}
        parse={parseRate}
      />
      <TextSetting
        name="downloadLimitBytesPerSec"
        label={t('settings.downloadLimit')}
        unit="MB/s"
        placeholder={t('settings.noLimit')}
        problem={t('settings.rateBad')}
        toText={rateText}
        parse={parseRate}
      />
      <SwitchSetting
        name="isSeedingAfterGet"
        label={t('settings.seedAfterGet')}
        hint={t('settings.seedAfterGetHint')}
      />
    </>
  )
}
