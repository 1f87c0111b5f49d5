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
  if (only !== undefined) entries.push({ kind: 'rule' }, ...accessEntries(app, only))
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

/** Who may read it, and a copy of the file itself; what needs a key is not offered without one. */
function accessEntries({ verbs, shell, sharing, bridge }: App, item: Item): MenuEntry[] {
  const entries: MenuEntry[] = []
  const openShare = () => shell.openSheet({ kind: 'share', item })
  if (item.protection === 'none') {
    const to = item.accessLevel === 'public' ? 'private' : 'public'
    entries.push({
      kind: 'item',
      label: t(to === 'public' ? 'menu.makePublic' : 'menu.makePrivate'),
      icon: to === 'public' ? 'globe' : 'jar',
      run: () => void verbs.setAccess(item, to),
    })
    if (to === 'public' && item.isOwn) {
      entries.push({ kind: 'item', label: t('menu.encrypt'), icon: 'lock', run: openShare })
    }
  } else if (item.protection === 'readable') {
    if (item.isOwn) entries.push({ kind: 'item', label: t('menu.addPeople'), icon: 'users', run: openShare })
    entries.push({
      kind: 'item',
      label: t('secret.linkWithKey'),
      icon: 'key',
      run: () => shell.openSheet({ kind: 'key-link', item }),
    })
  }
  const isReadable = item.protection === 'none' || item.protection === 'readable'
  if (isReadable && bridge.platform !== 'browser') {
    entries.push({
      kind: 'item',
      label: t('menu.saveCopy'),
      icon: 'down',
      run: () => void sharing.saveCopy(item),
    })
  }
  return entries
}
