import { join } from 'node:path'
import { Closers } from './closing.ts'
import type { EngineAddresses, EngineHandlers, Item } from './contract/index.ts'
import { discoveryParts, startDiscovery } from './engine-discovery.ts'
import { EngineEvents } from './engine-events.ts'
import { createHandlers } from './engine-handlers.ts'
import { metainfoTools } from './engine-metainfo.ts'
import { fetchNetwork, networkPart } from './engine-network.ts'
import { followKept, keptParts } from './engine-kept.ts'
import { plainOpener } from './engine-plain.ts'
import { sealReader } from './engine-sealed.ts'
import { SeedKeeper } from './engine-seeds.ts'
import { prepareSharing, sharingParts, startSharing, stopSharing } from './engine-sharing.ts'
import { nodeStatus } from './engine-status.ts'
import { AppError } from './contract/index.ts'
import { swarmPart } from './engine-swarm.ts'
import type { PartsInit, Running } from './engine-types.ts'
import { followWithdrawals, obey, revocationLookup } from './engine-withdrawn.ts'
import { viewItem, webSources } from './engine-view.ts'
import { wire } from './engine-wiring.ts'
import { Fetcher } from './fetching/index.ts'
import { HttpServer } from './http/index.ts'
import type { PlainFiles } from './http/index.ts'
import { Adder, HashPool, hashFile } from './ingest/index.ts'
import { Library, MediaFolder, openDatabase, TransferStore } from './library/index.ts'
import type { ItemRow } from './library/index.ts'
import { Outbound } from './outbound/index.ts'
import { systemClock } from './ports/clock.ts'
import { buildMetainfo, magnetURI } from './seeding/index.ts'
import { connectLit, FileKeys, LitScheme, openVault } from './vault/index.ts'

/** Reading everything again is never in a hurry. */
const BACKGROUND_BYTES_PER_SEC = 100 * 1024 * 1024
/** As long as the window offers to undo a drop. */
const UNDO_MS = 8000
/** Less than whoever stops a node has patience for. */
const STOP_MS = 3_500
const clock = systemClock

/** The running node: every domain, made in the order they need each other, and what ties them together. */
export class EngineParts {
  readonly events: EngineEvents
  readonly #init: PartsInit
  readonly #closers: Closers
  readonly #startedAtMs = clock.nowMs()
  #running: Running | undefined

  constructor(init: PartsInit) {
    this.#init = init
    this.#closers = new Closers(() => init.log, STOP_MS)
    this.events = new EngineEvents({
      item: (mediaId) => {
        const row = this.#get().library.get(mediaId)
        return row && this.#view(row)
      },
      transfer: (id) => this.#get().transfers.get(id),
      node: () => nodeStatus(this.#get(), this.#init, this.#startedAtMs),
      log: init.log,
    })
  }

  get handlers(): EngineHandlers {
    return this.#get().handlers
  }

  /** @throws {AppError} what any part can't start with */
  async start(): Promise<EngineAddresses> {
    const { dataDir, settings, mode, log, keychain, passphrase, oipSecret } = this.#init
    const vault = await openVault({
      dataDir,
      mode,
      keychain,
      passphrase,
      hasOwnItems: () => this.#running?.library.dependsOnOwner() ?? true,
      oipSecret,
      log: log.child('vault'),
    })
    if (vault.nodeKey.notice) this.#init.notices.push(vault.nodeKey.notice)
    this.#closers.add(() => vault.close())
    const db = openDatabase(join(dataDir, 'sower.db'), { log: log.child('database'), clock })
    this.#closers.add(() => db.close())
    const transfers = new TransferStore({ db, clock })
    this.#closers.add(() => transfers.stop())
    const lit = new LitScheme(() => connectLit({ dir: join(dataDir, 'lit'), signer: () => vault.signer() }))
    const values = settings.get()
    const folder = new MediaFolder({
      dir: values.mediaDir,
      reserveBytes: values.reserveBytes,
      log: log.child('media'),
      clock,
    })
    const kept = keptParts({ db, folder, vault, clock })
    const { contacts, keptKeys } = kept
    const fileKeys = new FileKeys({ pair: () => vault.seaPair(), kept: keptKeys, clock, lit })
    this.#closers.add(() => fileKeys.forgetAll())
    const pool = new HashPool({ log: log.child('hashing') })
    this.#closers.add(() => pool.close())
    const library = new Library({
      db,
      folder,
      verifyBytes: async (path, signal) =>
        (await hashFile(pool, { path, signal, rateLimitBytesPerSec: BACKGROUND_BYTES_PER_SEC })).sha256,
      openSealed: sealReader(fileKeys),
      metainfo: metainfoTools(pool, settings, BACKGROUND_BYTES_PER_SEC),
      owner: () => vault.owner(),
      clock,
      log: log.child('library'),
    })
    this.#closers.add(() => library.stop())
    await library.start()
    const outbound = new Outbound()
    this.#closers.add(() => outbound.close())
    const swarm = swarmPart({ library, db, values, clock, log: log.child('seeding') })
    this.#closers.add(() => swarm.stop())
    const swarmStart = swarm.start()
    // A port that another program uses may be free again soon; everything else works without it.
    await swarmStart.catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'PORT_IN_USE') throw error
    })
    const adder = new Adder({
      library,
      transfers,
      folder,
      pool,
      buildMetainfo,
      magnetURI,
      trackers: () => settings.get().trackers,
      webSeeds: (mediaId) => webSources(settings.get(), mediaId),
      signer: () => vault.signer(),
      self: () => vault.self(),
      contacts,
      requireSettled: (mediaId) => sharing.rekeys.requireSettled(mediaId),
      settings,
      clock,
      log: log.child('adding'),
    })
    this.#closers.add(() => adder.stop())
    const openHeld = plainOpener({ library, fileKeys })
    let nodeUrl = ''
    const holdMs = mode === 'desktop' ? UNDO_MS : 0
    const network = networkPart({
      ...this.#init,
      vault,
      contacts,
      db,
      library,
      clock,
      nodeUrl: () => nodeUrl,
      holdMs,
    })
    this.#closers.add(() => network.stop())
    const fetcher = new Fetcher({
      library,
      transfers,
      folder,
      swarm,
      outbound,
      onRevocation: (value) => obey(sharing.revocations, value, log),
      pool,
      signer: () => vault.signer(),
      keys: {
        pair: () => vault.seaPair(),
        files: fileKeys,
        onChange: (listener) => vault.onChange(listener),
      },
      openHeld,
      settings,
      network: fetchNetwork(network, settings),
      clock,
      log: log.child('fetching'),
    })
    this.#closers.add(() => fetcher.stop())
    const findable = { db, library, network, vault, contacts, events: this.events, log: log.child('search') }
    const discovery = discoveryParts(findable)
    const plainFiles: PlainFiles = { item: openHeld, transfer: (id) => fetcher.openPlain(id) }
    const sharing = sharingParts({
      db,
      library,
      transfers,
      folder,
      pool,
      vault,
      contacts,
      fileKeys,
      lit,
      openPlain: openHeld,
      settings,
      settle: (mediaId) => seeds.settle(mediaId),
      clock,
      log: log.child('sharing'),
    })
    this.#closers.add(() => stopSharing(sharing))
    const handlers = createHandlers({
      ...sharing,
      ...discovery,
      network,
      events: this.events,
      library,
      folder,
      transfers,
      adder,
      fetcher,
      swarm,
      vault,
      contacts,
      settings,
      view: (row) => this.#view(row),
      status: () => nodeStatus(this.#get(), this.#init, this.#startedAtMs),
      nodeUrl: () => nodeUrl,
      playUrl: async (target) => {
        // What can't be read is said here, not by a player that shows nothing.
        const file = await ('mediaId' in target
          ? plainFiles.item(target.mediaId)
          : plainFiles.transfer(target.transferId))
        await file.close()
        return http.playUrl(target)
      },
      dismissNotice: (id) => this.#dismissNotice(id),
    })
    const running = {
      vault,
      contacts,
      fileKeys,
      db,
      transfers,
      folder,
      library,
      swarm,
      network,
      handlers,
      url: '',
      controlUrl: '',
    }
    this.#running = running
    const http = new HttpServer({
      settings,
      dataDir,
      library,
      plainFiles,
      adder,
      resolveRecipient: (named) => contacts.resolve(named),
      vault,
      revocationOf: revocationLookup(db),
      handlers,
      events: this.events,
      status: () => nodeStatus(this.#get(), this.#init, this.#startedAtMs),
      isPaused: () => settings.get().isSeedingPaused,
      outbound,
      relay: network.relay,
      search: discovery.catalogue,
      attachGun: (req, socket, head) => network.attachUpgrade(req, socket, head),
      rendererDir: this.#init.rendererDir,
      clock,
      log: log.child('http'),
    })
    this.#closers.add(() => http.stop())
    const { url, controlUrl, controlToken } = await http.start()
    nodeUrl = url
    this.#running = { ...running, url, controlUrl }
    const seeds = new SeedKeeper({ library, folder, swarm, clock, log: log.child('seeding'), holdMs })
    this.#closers.add(() => seeds.stop())
    await prepareSharing(sharing)
    const { revocations } = sharing
    this.#closers.add(followWithdrawals({ network, revocations, db, log: log.child('sharing') }))
    const { events } = this
    wire({ ...this.#get(), ...this.#init, seeds, events, swarmStart, closers: this.#closers, holdMs })
    this.#closers.add(followKept({ ...kept, network, vault, folder, library, clock, log: log.child('kept') }))
    this.#closers.add(startDiscovery({ ...findable, revocations }, discovery))
    if (!this.#init.isBrief) network.start()
    adder.start()
    fetcher.start()
    startSharing(sharing)
    return {
      dataDir,
      url,
      controlUrl,
      controlToken,
      peerPort: swarm.peerPort,
      nodeId: vault.nodeKey.nodeId,
      owner: vault.owner(),
    }
  }

  /** Ends every part, last first. */
  async stop(): Promise<void> {
    this.events.stop()
    await this.#closers.close()
    this.#running = undefined
  }

  #view(row: ItemRow): Item {
    const { folder, swarm, vault } = this.#get()
    return viewItem(row, {
      isMediaOffline: folder.state() === 'offline',
      isSeedingPaused: swarm.isPaused,
      isWalletOpen: vault.selfIfOpen() !== undefined,
      live: row.infoHash === undefined ? NOBODY : swarm.stats(row.infoHash),
    })
  }

  #dismissNotice(id: string): void {
    const index = this.#init.notices.findIndex((notice) => notice.id === id)
    if (index < 0) return
    this.#init.notices.splice(index, 1)
    this.events.nodeChanged()
  }

  #get(): Running {
    if (!this.#running) throw new Error('a part of the engine was used before it was started')
    return this.#running
  }
}

const NOBODY = { peers: 0, uploadRateBytesPerSec: 0 }
