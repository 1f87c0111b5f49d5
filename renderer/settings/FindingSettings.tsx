import { t } from '../strings/t.ts'
import { AddressListSetting } from './AddressListSetting.tsx'
import { bootstrapText, parseBootstrap, parseRegion, parseRelay } from './parse-setting.ts'
import { SwitchSetting } from './SwitchSetting.tsx'
import { TextSetting } from './TextSetting.tsx'

/** Relays, and what is told and asked there. */
export function FindingSettings() {
  return (
    <>
      <AddressListSetting
        name="gunPeers"
        title={t('settings.relaysTitle')}
        hint={t('settings.relays')}
        none={t('network.noRelays')}
        newLabel={t('settings.relayNew')}
        placeholder="wss://relay.example.org/gun"
        bad={t('relay.bad')}
        parse={parseRelay}
      />
      <SwitchSetting name="isFeedWanted" label={t('settings.feed')} hint={t('settings.feedHint')} />
      <SwitchSetting
        name="isAddressShared"
        label={t('settings.shareAddress')}
        hint={t('settings.shareAddressHint')}
      />
      <TextSetting
        name="region"
        label={t('settings.region')}
        hint={t('settings.regionHint')}
        isWide
        problem={t('settings.regionBad')}
        toText={(region) => region ?? ''}
        parse={parseRegion}
      />
      <TextSetting
        name="bootstrapBytes"
        label={t('settings.bootstrap')}
        hint={t('settings.bootstrapHint')}
        unit="MB"
        problem={t('settings.bootstrapBad')}
        toText={bootstrapText}
        parse={parseBootstrap}
      />
    </>
  )
}
