import { AppError } from './contract/index.ts'
import type { EngineHandlers, ItemDetail } from './contract/index.ts'
import { discoveryHandlers } from './engine-discovery-handlers.ts'
import { copiesOf } from './engine-found.ts'
import { shareLink, sharingHandlers } from './engine-sharing-handlers.ts'
import type { HandlersInit } from './engine-types.ts'
import { vaultHandlers } from './engine-vault-handlers.ts'
import { bytesPath } from './library/index.ts'
import type { ItemRow } from './library/index.ts'

/** Four kinds of job with the same buttons: some do at once what is asked, some have to wait for an end first. */
type JobButtons = Readonly<
  Record<'pause' | 'resume' | 'cancel' | 'retry', (id: string) => void | Promise<void>>
>

/** One handler per call of the contract: finds the domain whose noun it is and shows its answer as the contract wants it. */
export function createHandlers(init: HandlersInit): EngineHandlers {
  const { library, transfers, adder, fetcher, saves, rekeys, revocations, settings, view } = init
  const requireRow = (mediaId: string): ItemRow => {
    const row = library.get(mediaId)
    if (!row) throw new AppError('NOT_FOUND', 'This item is not in the library.')
    return row
  }
  const jobs = { add: adder, get: fetcher, save: saves.jobs, rekey: rekeys.jobs } as const
  const jobsOf = (id: string): JobButtons => {
    const transfer = transfers.get(id)
    if (!transfer) throw new AppError('NOT_FOUND', 'This transfer is not on the list any more.')
    return jobs[transfer.kind]
  }
  return {
    'library.list': async (args) => {
      const { rows, total, counts } = library.list(args)
      return { items: rows.map(view), total, counts }
    },
    'library.position': async ({ mediaId, ...order }) => ({
      index: library.position(mediaId, order) ?? null,
    }),
    'library.get': async ({ mediaId }) => describeItem(init, requireRow(mediaId)),
    'library.add': async ({ paths, ...wanted }) => ({
      transferIds: adder.addPaths(paths.map((path) => ({ path, ...wanted }))),
    }),
    'library.remove': async ({ mediaIds }) => library.remove(mediaIds),
    'library.restore': async ({ mediaIds }) => library.restore(mediaIds),
    'library.setSeeding': async ({ mediaIds, isSeedingWanted }) => {
      if (isSeedingWanted) for (const mediaId of mediaIds) revocations.requireValid(mediaId)
      library.setSeedingWanted(mediaIds, isSeedingWanted)
      return {}
    },
    'library.setAccess': async ({ mediaId, accessLevel }) =>
      view(await adder.setAccess(mediaId, accessLevel)),
    'library.verify': async ({ mediaIds }) => {
      library.verify(mediaIds)
      return {}
    },
    'library.playUrl': init.playUrl,
    'library.rebuild': async () => library.rebuild(),

    'transfers.list': async () => ({ transfers: transfers.list() }),
    'transfers.pause': async ({ id }) => {
      await jobsOf(id).pause(id)
      return {}
    },
    'transfers.resume': async ({ id }) => {
      await jobsOf(id).resume(id)
      return {}
    },
    'transfers.retry': async ({ id }) => {
      await jobsOf(id).retry(id)
      return {}
    },
    'transfers.cancel': async ({ id }) => {
      await jobsOf(id).cancel(id)
      return {}
    },
    'transfers.dismiss': async ({ id }) => {
      transfers.dismiss(id)
      return {}
    },

    'fetching.start': async (args) => ({ transferId: await fetcher.begin(args) }),
    'fetching.setPriority': async ({ id, priority }) => {
      fetcher.setPriority(id, priority)
      return {}
    },
    'fetching.inspect': async ({ link }) => fetcher.inspect(link),
    ...sharingHandlers(init, requireRow),
    ...discoveryHandlers(init),

    'seeding.pause': async () => {
      settings.set({ isSeedingPaused: true })
      return {}
    },
    'seeding.resume': async () => {
      settings.set({ isSeedingPaused: false })
      return {}
    },

    ...vaultHandlers(init),

    'settings.get': async () => settings.view(),
    'settings.set': async (patch) => settings.set(patch),

    'node.status': async () => init.status(),
    'node.dismissNotice': async ({ id }) => {
      init.dismissNotice(id)
      return {}
    },
  }
}

function describeItem(init: HandlersInit, row: ItemRow): ItemDetail {
  const { link, magnetURI: magnet } = shareLink(init, row)
  return {
    ...init.view(row),
    did: `did:gun:media:${row.mediaId}`,
    owner: row.owner,
    createdAt: row.createdAt,
    manifestVersion: row.manifestVersion,
    ...(magnet === undefined ? {} : { magnetURI: magnet }),
    link,
    copies: copiesOf(init, row),
    path: bytesPath(init.folder.paths(row.mediaId), row),
    connectedPeers: row.infoHash === undefined ? [] : init.swarm.peers(row.infoHash),
  }
}
