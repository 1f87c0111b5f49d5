import { t } from '../strings/t.ts'
import { parsePort, parsePublicUrl } from './parse-setting.ts'
import { SwitchSetting } from './SwitchSetting.tsx'
import { TextSetting } from './TextSetting.tsx'

/** Where others reach this node, and the ways peers find each other. */
export function ConnectionSettings() {
  return (
    <>
      <TextSetting
        name="peerPort"
        label={t('settings.peerPort')}
        hint={t('settings.peerPortHint')}
        problem={t('settings.portBad')}
        toText={(port) => (port === undefined ? '' : String(port))}
        parse={parsePort}
      />
      <TextSetting
        name="port"
        label={t('settings.port')}
        hint={t('settings.portHint')}
        problem={t('settings.portBad')}
        toText={(port) => (port === undefined ? '' : String(port))}
        parse={parsePort}
      />
      <TextSetting
        name="publicUrl"
        label={t('settings.publicUrl')}
        hint={t('settings.publicUrlHint')}
        isWide
        isMono
        placeholder="https://media.example.org"
        problem={t('settings.urlBad')}
        toText={(url) => url ?? ''}
        parse={parsePublicUrl}
      />
      <SwitchSetting name="isUpnpEnabled" label={t('settings.upnp')} hint={t('settings.upnpHint')} />
      <SwitchSetting name="isDhtEnabled" label={t('settings.dht')} hint={t('settings.dhtHint')} />
      <SwitchSetting name="isLsdEnabled" label={t('settings.lsd')} hint={t('settings.lsdHint')} />
      <SwitchSetting name="isPexEnabled" label={t('settings.pex')} hint={t('settings.pexHint')} />
    </>
  )
}
