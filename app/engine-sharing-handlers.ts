import type { EngineHandlers } from './contract/index.ts'
import { notYet } from './engine-not-yet.ts'
import type { HandlersInit } from './engine-types.ts'
import { webSources } from './engine-view.ts'
import { formatLink } from './fetching/index.ts'
import type { ItemRow } from './library/index.ts'
import { magnetURI } from './seeding/index.ts'

type SharingCall = Extract<keyof EngineHandlers, `sharing.${string}`>

/** Who may read an item, and how they come by it. */
export function sharingHandlers(
  init: HandlersInit,
  requireRow: (mediaId: string) => ItemRow,
): Pick<EngineHandlers, SharingCall> {
  return {
    'sharing.link': async ({ mediaId }) => ({ ...shareLink(init, requireRow(mediaId)), hasKey: false }),
    'sharing.people': notYet,
    'sharing.addPeople': notYet,
    'sharing.removePeople': notYet,
    'sharing.encrypt': notYet,
    'sharing.rotateAll': notYet,
    'sharing.requestAccess': notYet,
  }
}

/** A link carries enough to fetch with no index alive; a private item has nobody who would answer it but its owner. */
export function shareLink(
  { settings, nodeUrl }: HandlersInit,
  row: ItemRow,
): { link: string; magnetURI?: string; httpUrl: string } {
  const { mediaId, infoHash } = row
  const values = settings.get()
  const link = formatLink({
    mediaId,
    ...(infoHash === undefined ? {} : { infoHash, trackers: values.trackers }),
    webSources: webSources(values, mediaId),
  })
  const httpUrl = webSources(values, mediaId)[0] ?? `${nodeUrl()}/media/${mediaId}`
  if (infoHash === undefined) return { link, httpUrl }
  const { name, sizeBytes } = row
  const webSeeds = webSources(values, mediaId)
  const magnet = magnetURI({ infoHash, name, trackers: values.trackers, webSeeds, sizeBytes })
  return { link, magnetURI: magnet, httpUrl }
}
