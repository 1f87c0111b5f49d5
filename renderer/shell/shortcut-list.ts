import type { SowerBridge } from '../../app/contract/index.ts'
import { VIEW_ORDER } from '../stores/shell-store.ts'
import { t } from '../strings/t.ts'

type Platform = SowerBridge['platform']

/** `⌘C` on a Mac, `Ctrl+C` elsewhere. */
export function commandKeys(platform: Platform, key: string): string {
  return platform === 'darwin' ? `⌘${key}` : `${t('key.ctrl')}+${key}`
}

/** Every shortcut of the window, for the sheet behind `?`. */
export function shortcutGroups(platform: Platform): readonly {
  readonly title: string
  readonly rows: readonly { readonly keys: readonly string[]; readonly text: string }[]
}[] {
  const command = (key: string) => commandKeys(platform, key)
  return [
    {
      title: t('shortcuts.anywhere'),
      rows: [
        { keys: [command('F')], text: t('shortcuts.search') },
        { keys: [command('O')], text: t('shortcuts.add') },
        { keys: [command('V')], text: t('shortcuts.paste') },
        { keys: [command(',')], text: t('shortcuts.settings') },
        { keys: [command(`1–${VIEW_ORDER.length}`)], text: t('shortcuts.views') },
        { keys: ['F6'], text: t('shortcuts.regions') },
        { keys: ['?'], text: t('shortcuts.help') },
      ],
    },
    {
      title: t('shortcuts.inList'),
      rows: [
        { keys: ['↑', '↓'], text: t('shortcuts.move') },
        { keys: [t('key.shift'), '↑', '↓'], text: t('shortcuts.extend') },
        { keys: [command('A')], text: t('shortcuts.all') },
        { keys: [t('key.space')], text: t('shortcuts.inspector') },
        { keys: [t('key.enter')], text: t('shortcuts.open') },
        { keys: [command('C')], text: t('shortcuts.copy') },
        { keys: ['P'], text: t('shortcuts.pause') },
        { keys: ['R'], text: t('shortcuts.verify') },
        { keys: [t('key.delete')], text: t('shortcuts.remove') },
        { keys: [`${t('key.shift')}+F10`], text: t('shortcuts.menu') },
      ],
    },
  ]
}
