import type { Item } from '../../app/contract/index.ts'
import type { MenuEntry } from '../parts/Menu.tsx'
import { commandKeys } from '../shell/shortcut-list.ts'
import type { App } from '../stores/app.ts'
import { t } from '../strings/t.ts'

/** What can be done with the selection (`items` = its loaded part; `ids` = all of it). */
export function itemMenu(
  app: App,
  items: readonly Item[],
  ids: Parameters<App['verbs']['remove']>[0],
): MenuEntry[] {
  const { verbs, bridge } = app
  const only = ids.length === 1 ? items[0] : undefined
  const isSeedingWanted = items.some((item) => item.isSeedingWanted)
  const hasMagnet = items.some((item) => item.infoHash !== undefined)
  const entries: MenuEntry[] = []
  if (only !== undefined) {
    entries.push({
      kind: 'item',
      label: t('menu.open'),
      icon: 'play',
      keys: t('key.enter'),
      run: () => app.shell.play(only.mediaId),
    })
    if (bridge.platform !== 'browser') {
      entries.push({
        kind: 'item',
        label: t('menu.showInFolder'),
        icon: 'folder',
        run: () => void verbs.showInFolder(only.mediaId),
      })
    }
    entries.push({ kind: 'rule' })
  }
  entries.push(
    {
      kind: 'item',
      label: t('menu.copyLink', { count: ids.length }),
      icon: 'link',
      keys: commandKeys(bridge.platform, 'C'),
      run: () => void verbs.copyLink(ids),
    },
    {
      kind: 'item',
      label: t('menu.copyMagnet', { count: ids.length }),
      icon: 'magnet',
      isDisabled: !hasMagnet,
      run: () => void verbs.copyLink(ids, 'magnet'),
    },
    { kind: 'rule' },
    {
      kind: 'item',
      label: isSeedingWanted ? t('menu.stopSeeding') : t('menu.startSeeding'),
      icon: isSeedingWanted ? 'pause' : 'sprout',
      keys: 'P',
      run: () => void verbs.setSeeding(ids, !isSeedingWanted),
    },
    {
      kind: 'item',
      label: t('menu.verify'),
      icon: 'refresh',
      keys: 'R',
      run: () => void verbs.verify(ids),
    },
  )
  if (only !== undefined) {
    const to = only.accessLevel === 'public' ? 'private' : 'public'
    entries.push({
      kind: 'item',
      label: t(to === 'public' ? 'menu.makePublic' : 'menu.makePrivate'),
      icon: to === 'public' ? 'globe' : 'lock',
      run: () => void verbs.setAccess(only, to),
    })
  }
  entries.push(
    { kind: 'rule' },
    {
      kind: 'item',
      label: t('menu.remove', { count: ids.length }),
      icon: 'trash',
      keys: t('key.delete'),
      isDanger: true,
      run: () => verbs.askRemove(ids),
    },
  )
  return entries
}
