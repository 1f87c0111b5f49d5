import { join } from 'node:path'
import type { Settings } from './contract/index.ts'
import type { PartsInit, Running } from './engine-types.ts'
import { isSeedable } from './engine-view.ts'
import { tellableWithdrawals } from './engine-withdrawn.ts'
import { readFully } from './file-bytes.ts'
import type { FetchNetwork } from './fetching/index.ts'
import { identifyClient } from './http/index.ts'
import { isTold } from './manifest/index.ts'
import { Network } from './network/index.ts'
import type { Clock } from './ports/clock.ts'
import { AppError } from './contract/index.ts'

type Parts = Pick<Running, 'vault' | 'contacts' | 'db' | 'library'> &
  Pick<PartsInit, 'dataDir' | 'settings' | 'log'> & {
    readonly clock: Clock
    readonly nodeUrl: () => string
    /** How long after it was added an item of one's own is told to nobody. */
    readonly holdMs: number
  }

/** The node's part in the network: what of the library it tells of, in whose name, and to whom. */
export function networkPart(parts: Parts): Network {
  const { vault, contacts, db, library, settings, clock, holdMs } = parts
  const isHeld = (addedAtMs: number): boolean => addedAtMs + holdMs > clock.nowMs()
  return new Network({
    dir: join(parts.dataDir, 'gun'),
    db,
    settings: () => networkSettings(settings.get()),
    node: vault.nodeKey,
    seaSigner: () => (vault.selfIfOpen() === undefined ? undefined : vault.seaPair()),
    ownerSigner: () => (vault.selfIfOpen() === undefined ? undefined : vault.signer()),
    trustedOwners: () => {
      const owner = vault.owner()
      return new Set([...(owner === null ? [] : [owner]), ...contacts.list().map((contact) => contact.owner)])
    },
    items: {
      manifest: async (mediaId) => {
        const row = library.get(mediaId)
        if (row === undefined || !row.isOwn || row.trashedAtMs !== undefined || isHeld(row.addedAtMs))
          return undefined
        try {
          return await library.manifest(mediaId)
        } catch (error) {
          // Gone meanwhile, or its folder is not there: nothing to tell.
          if (error instanceof AppError) return undefined
          throw error
        }
      },
      read: async (mediaId, start, endExclusive) => {
        const { handle } = await library.openFile(mediaId)
        try {
          const bytes = new Uint8Array(endExclusive - start)
          await readFully(handle, bytes, start)
          return bytes
        } finally {
          await handle.close()
        }
      },
      own: function* () {
        const rows = db
          .prepare(
            `SELECT media_id AS mediaId, manifest_version AS version FROM items
             WHERE is_own = 1 AND trashed_at_ms IS NULL AND access_level <> 'private' AND added_at_ms <= ?`,
          )
          .all(clock.nowMs() - holdMs) as { mediaId: string; version: number }[]
        yield* rows
      },
      listed: (below, limit) => {
        const rows = db
          .prepare(
            `SELECT media_id AS mediaId FROM items
             WHERE media_id < ? AND is_own = 1 AND trashed_at_ms IS NULL AND access_level = 'public' AND added_at_ms <= ?
             ORDER BY media_id DESC LIMIT ?`,
          )
          .all(below, clock.nowMs() - holdMs, limit) as { mediaId: string }[]
        return rows.map(({ mediaId }) => mediaId)
      },
      hidden: function* () {
        const rows = db
          .prepare(
            `SELECT media_id AS mediaId FROM items WHERE is_own = 1 AND access_level = 'private' AND EXISTS
               (SELECT 1 FROM network_publications AS told WHERE told.media_id = items.media_id AND told.kind = 'manifest')`,
          )
          .all() as { mediaId: string }[]
        for (const { mediaId } of rows) yield mediaId
      },
      withdrawn: () => tellableWithdrawals(db),
      present: function* () {
        for (const row of library.seeding()) {
          // The trackers see ciphertext of private items too; the network hears of none.
          const isTellable = isTold(row.accessLevel, row.protection !== 'none')
          if (isTellable && isSeedable(row) && !(row.isOwn && isHeld(row.addedAtMs))) yield row.mediaId
        }
      },
    },
    onTooLarge: (mediaId) => {
      const name = library.get(mediaId)?.name ?? mediaId
      library.notify({
        level: 'warning',
        code: 'PAYLOAD_TOO_LARGE',
        message: `“${name}” is shared with so many people that relays can’t carry all their keys. It is safe, is seeded, and everybody keeps their access.`,
        hint: 'Send people its link: that works as before. Who has only its ID gets the keys from whoever seeds it.',
      })
    },
    onClockBehind: (untilMs) => {
      const until = new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ')
      library.notify({
        level: 'warning',
        code: 'CLOCK_WRONG',
        message: `This computer’s clock was ahead when relays were last told of your items, or it is behind now. Your items are safe and seeded; others see what you changed since only after ${until} UTC.`,
        hint: 'Look whether date and time are right. Sower tells the relays again when that time has come.',
      })
    },
    identify: identifyClient,
    ownOrigins: () =>
      [parts.nodeUrl(), settings.get().publicUrl].flatMap((url) => (url ? [new URL(url).origin] : [])),
    protocols: () => (settings.get().publicUrl === null ? ['bittorrent'] : ['bittorrent', 'http']),
    clock,
    log: parts.log.child('network'),
  })
}

/** As downloads ask it: for what is known of an item, and who has it. */
export function fetchNetwork(network: Network, settings: PartsInit['settings']): FetchNetwork {
  return {
    isReachable: () => {
      const { isSeedingPaused, gunPeers } = settings.get()
      return !isSeedingPaused && (gunPeers.length > 0 || network.status().sockets > 0)
    },
    lookup: (mediaId, hints) => network.lookup(mediaId, hints),
    presenceOf: (mediaId) => network.presenceOf(mediaId),
    chunk: (mediaId, place) => network.chunk(mediaId, place),
  }
}

function networkSettings(values: Settings): ReturnType<ConstructorParameters<typeof Network>[0]['settings']> {
  const {
    gunPeers,
    isFeedWanted,
    isAddressShared,
    publicUrl,
    region,
    isSeedingPaused,
    bootstrapBytes,
    reserveBytes,
  } = values
  return {
    relays: gunPeers,
    isFeedWanted,
    endpoints: isAddressShared && publicUrl !== null ? [publicUrl] : [],
    ...(region === null ? {} : { region }),
    isPaused: isSeedingPaused,
    isBootstrapWanted: bootstrapBytes > 0,
    reserveBytes,
  }
}
