import type { Closers } from './closing.ts'
import type { Notice, Settings } from './contract/index.ts'
import type { EngineEvents } from './engine-events.ts'
import { LiveItems } from './engine-live.ts'
import type { PartsInit, Running } from './engine-types.ts'
import type { SeedKeeper } from './engine-seeds.ts'
import { notePeerPort, swarmFailure, SwarmRetry } from './engine-swarm.ts'
import type { ItemRow } from './library/index.ts'
import { systemClock } from './ports/clock.ts'

/** How often numbers that move by themselves (rates, peers) are told to whoever watches. */
const LIVE_INTERVAL_MS = 1000
const TELL_DELAY_MS = 200
/** Not while everything begins, and not for a command that is over at once. */
const KEEP_ROOM_AFTER_MS = 10_000
const KEEP_ROOM_EVERY_MS = 60 * 60 * 1000
/** The oldest of more are forgotten: what is wrong with an item is seen at the item, too. */
const MOST_NOTICES = 50

interface Wired extends Running, PartsInit {
  readonly seeds: SeedKeeper
  readonly events: EngineEvents
  /** How long after it was added an item of one's own is told to nobody. */
  readonly holdMs: number
  /** How the swarm began, which another program's port may have kept it from. */
  readonly swarmStart: Promise<unknown>
  /** What is to be undone at the end is added here. */
  readonly closers: Closers
}

/** Everything that follows from something else having changed. */
export function wire(parts: Wired): void {
  const {
    vault,
    contacts,
    fileKeys,
    library,
    transfers,
    folder,
    swarm,
    network,
    settings,
    log,
    seeds,
    events,
  } = parts
  const settle = (mediaId: string): void => {
    seeds.settle(mediaId).catch((error: unknown) => log.error('seeding.settle-failed', { mediaId, error }))
  }
  // Once for many changes, and not before the time to undo is over: what was told can't be taken back.
  let telling: NodeJS.Timeout | undefined
  const tellNetwork = (): void => {
    telling ??= setTimeout(() => {
      telling = undefined
      try {
        network.refreshFrom('items')
      } catch (error) {
        log.error('network.items-not-told', { error })
      }
    }, parts.holdMs + TELL_DELAY_MS)
  }
  const retry = swarmRetry(parts)
  const live = new LiveItems()
  const timer = setInterval(() => {
    const { mediaIds, isMoving } = live.take()
    if (mediaIds.length > 0) events.itemsChanged(mediaIds)
    if (isMoving) events.nodeChanged()
  }, LIVE_INTERVAL_MS)
  const keeping = [
    setTimeout(() => parts.db.keepRoom(), KEEP_ROOM_AFTER_MS),
    setInterval(() => parts.db.keepRoom(), KEEP_ROOM_EVERY_MS),
  ]
  parts.closers.add(
    () => clearInterval(timer),
    () => keeping.forEach(clearInterval),
    () => clearTimeout(telling),
    () => retry.stop(),
    network.onStatus(() => events.nodeChanged()),
    library.onChange((mediaIds) => {
      for (const mediaId of mediaIds) settle(mediaId)
      tellNetwork()
      // Before it can be gone: encrypted anew, it has another id.
      network.madePrivate(mediaIds.filter((mediaId) => isHidden(library.get(mediaId))))
      events.itemsChanged(mediaIds)
      events.nodeChanged()
    }),
    library.onNotice((notice) => tellNotice(parts, notice)),
    folder.onState(() => {
      tellAllItems(parts)
      events.nodeChanged()
    }),
    transfers.onChange(({ changed, removed }) => {
      for (const id of [...changed, ...removed]) events.transferChanged(id)
    }),
    vault.onChange(() => {
      // Another wallet's keys are not this one's.
      fileKeys.forgetAll()
      tellAllItems(parts)
      events.nodeChanged()
      followWallet(parts)
      network.refreshFrom('wallet')
    }),
    contacts.onChange(() => events.contactsChanged(contacts.list())),
    swarm.onUploaded((mediaId, bytes) => {
      library.addUploaded(mediaId, bytes)
      live.moved(mediaId)
    }),
    swarm.onChange(() => {
      events.nodeChanged()
      for (const mediaId of swarm.awakeMediaIds()) live.moved(mediaId)
    }),
    settings.onChange((view) => {
      events.settingsChanged(view)
      applySettings(parts, view.values, retry)
    }),
  )
  observeSwarm(parts, parts.swarmStart, retry)
  if (settings.get().isSeedingPaused) observeSwarm(parts, swarm.pause(), retry)
  followWallet(parts)
  seeds.seedAll()
  library.outbox.drain({ seed: (mediaId) => seeds.settle(mediaId) })
}

function isHidden(row: ItemRow | undefined): boolean {
  return row !== undefined && row.isOwn && row.accessLevel === 'private'
}

/** Has the library find out anew what is the owner's and what they can read, when the wallet opened or is another one. */
function followWallet({ vault, library, db, log }: Wired): void {
  const owner = vault.owner()
  if (owner === null) return
  const failed = (error: unknown): void => log.error('library.follow-wallet-failed', { error })
  if (db.getMeta('owner') === owner) {
    if (vault.selfIfOpen() !== undefined) library.reopenSealed().catch(failed)
    return
  }
  // Noted when it is done: a crash in between has it done again.
  library
    .ownerChanged()
    .then(() => db.setMeta('owner', owner))
    .catch(failed)
}

function applySettings(parts: Wired, values: Settings, retry: SwarmRetry): void {
  const { swarm, network, folder, events } = parts
  observeSwarm(parts, swarm.setOptions(values), retry)
  network.refreshFrom('settings')
  folder.setReserveBytes(values.reserveBytes)
  if (swarm.isPaused !== values.isSeedingPaused)
    observeSwarm(parts, values.isSeedingPaused ? swarm.pause() : swarm.resume(), retry)
  events.nodeChanged()
}

/** Says what keeps the swarm from beginning, until it has begun. */
function swarmRetry(parts: Wired): SwarmRetry {
  const { swarm, db, log, events, notices } = parts
  let told: Notice | undefined
  const takeBack = (): void => {
    const at = notices.findIndex(({ id }) => id === told?.id)
    if (at >= 0) notices.splice(at, 1)
  }
  return new SwarmRetry({
    swarm,
    onFailure: (error) => {
      log.error('seeding.change-failed', { error })
      takeBack()
      told = swarmFailure(error, systemClock)
      tellNotice(parts, told)
    },
    onSettled: () => {
      takeBack()
      log.info('seeding.began-after-all')
      notePeerPort(db, swarm)
      events.nodeChanged()
    },
  })
}

/** Waits for a change of the swarm, which takes a moment, and says what came of it. */
function observeSwarm(parts: Wired, change: Promise<unknown>, retry: SwarmRetry): void {
  const { swarm, db, log, events } = parts
  retry
    .follow(change)
    .then(() => {
      notePeerPort(db, swarm)
      tellAllItems(parts)
      events.nodeChanged()
    })
    .catch((error: unknown) => log.error('seeding.change-untold', { error }))
}

function tellNotice({ notices, events }: Wired, notice: Notice): void {
  // Said again, it is newer, not more.
  const before = notices.findIndex(({ message }) => message === notice.message)
  if (before >= 0) notices.splice(before, 1)
  notices.push(notice)
  // All of them go to whoever watches, every time something moves.
  notices.splice(0, notices.length - MOST_NOTICES)
  events.notice(notice)
}

function tellAllItems({ events, library }: Wired): void {
  events.itemsChanged(library.list({ limit: 500 }).rows.map(({ mediaId }) => mediaId))
}
