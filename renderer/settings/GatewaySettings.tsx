import { t } from '../strings/t.ts'
import { AddressListSetting } from './AddressListSetting.tsx'
import { parseGateway } from './parse-setting.ts'

/** Other networks' doors, asked where an item is there too. */
export function GatewaySettings() {
  return (
    <>
      <AddressListSetting
        name="ipfsGateways"
        title={t('settings.ipfs')}
        hint={t('settings.ipfsHint')}
        none={t('settings.listNone')}
        newLabel={t('settings.gatewayNew')}
        placeholder="https://ipfs.example.org"
        bad={t('settings.gatewayBad')}
        parse={parseGateway}
      />
      <AddressListSetting
        name="arweaveGateways"
        title={t('settings.arweave')}
        hint={t('settings.arweaveHint')}
        none={t('settings.listNone')}
        newLabel={t('settings.gatewayNew')}
        placeholder="https://arweave.example.org"
        bad={t('settings.gatewayBad')}
        parse={parseGateway}
      />
    </>
  )
}
