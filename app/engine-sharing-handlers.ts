import { AppError } from './contract/index.ts'
import type { EngineHandlers } from './contract/index.ts'
import type { HandlersInit } from './engine-types.ts'
import { webSources } from './engine-view.ts'
import { formatLink } from './fetching/index.ts'
import type { ItemRow } from './library/index.ts'
import { magnetURI } from './seeding/index.ts'
import { cardLink } from './vault/index.ts'

type SharingCall = Extract<keyof EngineHandlers, `sharing.${string}` | 'library.saveCopy'>

interface SharedLink {
  readonly link: string
  readonly magnetURI?: string
  readonly httpUrl: string
}

/** Who may read an item, and how they come by it. */
export function sharingHandlers(
  init: HandlersInit,
  requireRow: (mediaId: string) => ItemRow,
): Pick<EngineHandlers, SharingCall> {
  const { sharing, rekeys, saves, vault, view } = init
  return {
    'sharing.link': async ({ mediaId, withKey, expiresAtMs }) => {
      const row = requireRow(mediaId)
      if (expiresAtMs !== undefined && expiresAtMs <= Date.now()) {
        throw new AppError('BAD_REQUEST', 'This link would be over before anybody could use it.', {
          hint: 'Choose a time in the future.',
        })
      }
      const key = withKey ? await sharing.linkKey(mediaId) : undefined
      return { ...shareLink(init, row, { key, expiresAtMs }), hasKey: withKey }
    },
    'sharing.people': async ({ mediaId }) => {
      const conditions = await sharing.conditions(mediaId)
      return { people: sharing.people(mediaId), ...(conditions === undefined ? {} : { conditions }) }
    },
    'sharing.openWithLit': async ({ mediaId }) => view(await sharing.openWithLit(mediaId)),
    'sharing.addPeople': async ({ mediaId, people }) => view(await sharing.addPeople(mediaId, people)),
    'sharing.setConditions': async ({ mediaId, rule }) => view(await sharing.setConditions(mediaId, rule)),
    'sharing.removePeople': async ({ mediaId, ...taken }) => ({
      transferId: await rekeys.remove(mediaId, taken),
    }),
    'sharing.encrypt': async ({ mediaId, people }) => ({ transferId: rekeys.encrypt(mediaId, people) }),
    'sharing.rotateAll': async () => ({ transferIds: rekeys.rotateAll() }),
    'sharing.requestAccess': async ({ mediaId }) =>
      sharing.requestAccess(mediaId, shareLink(init, requireRow(mediaId)).link, () => cardLink(vault.card())),
    'library.saveCopy': async (args) => ({ transferId: await saves.begin(args) }),
  }
}

/**
 * A link carries enough to fetch with no index alive. What is sealed is in neither link: of an encrypted item they say no
 * name, and its key is there only when it was asked for.
 */
export function shareLink(
  init: HandlersInit,
  row: ItemRow,
  extra: { readonly key?: string | undefined; readonly expiresAtMs?: number | undefined } = {},
): SharedLink {
  const { settings, nodeUrl } = init
  const { mediaId, infoHash, sizeBytes } = row
  const isEncrypted = row.protection !== 'none'
  const { trackers } = settings.get()
  const sources = webSources(settings.get(), mediaId)
  const link = formatLink({
    mediaId,
    ...(infoHash === undefined ? {} : { infoHash, trackers }),
    webSources: sources,
    // Where its publisher says what is new of it, and whom to follow.
    ...(isEncrypted || row.accessLevel === 'public' ? { pub: publisherOf(init, row) } : {}),
    ...(isEncrypted ? { isEncrypted } : {}),
    ...extra,
  })
  const httpUrl = sources[0] ?? `${nodeUrl()}/media/${mediaId}`
  if (infoHash === undefined) return { link, httpUrl }
  const name = isEncrypted ? 'media' : row.name
  const webSeeds = isEncrypted ? [] : sources
  return { link, magnetURI: magnetURI({ infoHash, name, trackers, webSeeds, sizeBytes }), httpUrl }
}

/** The SEA key its owner publishes under, or where nobody has told it, who that is. */
function publisherOf({ vault, publishers }: HandlersInit, { isOwn, owner }: ItemRow): string | undefined {
  // What nobody signed for is vouched for by this node alone: that is no publisher.
  if (!isOwn) return owner === vault.owner() ? undefined : publishers.view({ owner }).pub || owner
  try {
    return vault.self().pub
  } catch (error) {
    // The wallet is closed: the link works without it.
    if (error instanceof AppError) return undefined
    throw error
  }
}
