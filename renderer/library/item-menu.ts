import type { Item } from '../../app/contract/index.ts'
import type { MenuEntry } from '../parts/Menu.tsx'
import { commandKeys } from '../shell/shortcut-list.ts'
import type { App } from '../stores/app.ts'
import { selectRekeyOf } from '../stores/transfers-store.ts'
import { t } from '../strings/t.ts'
import { abilitiesOf } from './item-abilities.ts'

/** What can be done with the selection (`items` = its loaded part; `ids` = all of it). */
export function itemMenu(
  app: App,
  items: readonly Item[],
  ids: Parameters<App['verbs']['remove']>[0],
): MenuEntry[] {
  const { verbs, bridge } = app
  const only = ids.length === 1 ? items[0] : undefined
  const isSeedingWanted = items.some((item) => item.isSeedingWanted)
  const abilities = items.map((item) => abilitiesOf(item, isBusy(app, item)))
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
      isDisabled: !abilities.some(({ hasMagnet }) => hasMagnet),
      run: () => void verbs.copyLink(ids, 'magnet'),
    },
    { kind: 'rule' },
    {
      kind: 'item',
      label: isSeedingWanted ? t('menu.stopSeeding') : t('menu.startSeeding'),
      icon: isSeedingWanted ? 'pause' : 'sprout',
      keys: 'P',
      isDisabled: !abilities.some(({ isSeedable }) => isSeedable),
      run: () => void verbs.setSeeding(ids, !isSeedingWanted),
    },
    {
      kind: 'item',
      label: t('menu.verify'),
      icon: 'refresh',
      keys: 'R',
      isDisabled: !abilities.some(({ verify }) => verify),
      run: () => void verbs.verify(ids),
    },
  )
  const access = only === undefined ? [] : accessEntries(app, only)
  if (access.length > 0) entries.push({ kind: 'rule' }, ...access)
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

function isBusy(app: App, { mediaId }: Item): boolean {
  return selectRekeyOf(app.transfers.store.getState(), mediaId) !== undefined
}

/** Who may read it, and a copy of the file itself. */
function accessEntries(app: App, item: Item): MenuEntry[] {
  const { verbs, shell, sharing, bridge } = app
  const can = abilitiesOf(item, isBusy(app, item))
  const entries: MenuEntry[] = []
  const offer = (isOffered: boolean, entry: Omit<Extract<MenuEntry, { kind: 'item' }>, 'kind'>): void => {
    if (isOffered) entries.push({ kind: 'item', ...entry })
  }
  const openShare = () => shell.openSheet({ kind: 'share', item })
  const to = item.accessLevel === 'public' ? 'private' : 'public'
  offer(can.setAccess, {
    label: t(to === 'public' ? 'menu.makePublic' : 'menu.makePrivate'),
    icon: to === 'public' ? 'globe' : 'jar',
    run: () => void verbs.setAccess(item, to),
  })
  offer(can.encrypt, { label: t('menu.encrypt'), icon: 'lock', run: openShare })
  offer(can.changePeople, { label: t('menu.addPeople'), icon: 'users', run: openShare })
  offer(can.linkWithKey, {
    label: t('secret.linkWithKey'),
    icon: 'key',
    run: () => shell.openSheet({ kind: 'key-link', item }),
  })
  // How it went is said where it lies open.
  offer(can.openWithLit, { label: t('needs.openWithLit'), icon: 'key', run: () => shell.play(item.mediaId) })
  offer(can.isReadable && bridge.platform !== 'browser', {
    label: t('menu.saveCopy'),
    icon: 'down',
    run: () => void sharing.saveCopy(item),
  })
  return entries
}
