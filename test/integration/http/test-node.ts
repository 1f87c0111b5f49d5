import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { IncomingHttpHeaders, RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../../app/contract/index.ts'
import type {
  EngineEventName,
  EngineHandlers,
  Item,
  NodeStatus,
  Settings,
  SettingsView,
} from '../../../app/contract/index.ts'
import { HttpServer, identifyClient } from '../../../app/http/index.ts'
import type { HttpAddresses, HttpLimits, SignedRevocation, UploadAdder } from '../../../app/http/index.ts'
import { Adder, HashPool, hashFile } from '../../../app/ingest/index.ts'
import { KeptFolder, Library, MediaFolder, TransferStore, openDatabase } from '../../../app/library/index.ts'
import type { ItemRow } from '../../../app/library/index.ts'
import { Network } from '../../../app/network/index.ts'
import { CatalogueKeeper } from '../../../app/engine-catalogue.ts'
import { Catalogue } from '../../../app/search/index.ts'
import { Outbound } from '../../../app/outbound/index.ts'
import { sealReader } from '../../../app/engine-sealed.ts'
import { plainOpener } from '../../../app/engine-plain.ts'
import { buildMetainfo, magnetURI } from '../../../app/seeding/index.ts'
import { Contacts, FileKeys, KeptKeys, openVault } from '../../../app/vault/index.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import type { Keychain, SeaPair, Vault } from '../../../app/vault/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import type { PlainFile } from '../../../app/ports/plain-file.ts'
import type { Log } from '../../../app/ports/log.ts'
import { systemClock } from '../../../app/ports/clock.ts'

export interface TestNodeOptions {
  readonly limits?: Partial<HttpLimits>
  readonly settings?: Partial<Settings>
  readonly rendererDir?: string
  /** Free space that must remain. @defaultValue 0 */
  readonly reserveBytes?: number
  readonly log?: Log
  readonly isPaused?: () => boolean
  readonly oipSecret?: Uint8Array
  /** @defaultValue TEST_PAIR */
  readonly seaPair?: () => SeaPair
  /** @defaultValue the few the server itself calls */
  readonly handlers?: EngineHandlers
  readonly openTransfer?: (transferId: string) => Promise<PlainFile>
  /** Items that were withdrawn, by mediaId. */
  readonly revocations?: ReadonlyMap<string, SignedRevocation>
  readonly outbound?: Pick<Outbound, 'request'>
  /** With GUN running, and no relay but itself. @defaultValue false */
  readonly isNetworked?: boolean
  /** Stands between the server and the adder. */
  readonly wrapAdder?: (adder: UploadAdder) => UploadAdder
}

export interface TestNode extends HttpAddresses {
  readonly dir: string
  readonly mediaDir: string
  readonly vault: Vault
  readonly library: Library
  readonly folder: MediaFolder
  readonly transfers: TransferStore
  readonly network: Network
  readonly contacts: Contacts
  readonly ownerToken: string
  readonly owner: string
  emit(name: EngineEventName, payload: unknown): void
  /** Adds bytes without HTTP. */
  add(bytes: Uint8Array, options?: { name?: string; accessLevel?: 'public' | 'private' }): Promise<ItemRow>
  /** The same from a stream; public. */
  addStream(stream: Readable, name: string): Promise<ItemRow>
  /** Makes everything that is there findable. */
  index(): Promise<void>
  /** What is left of uploads. */
  incoming(): Promise<string[]>
  stop(): Promise<void>
}

/** Whose envelopes these nodes open. */
export const TEST_PAIR = seaPairFromSeed(Buffer.alloc(64, 5))

const noTransfer = (): Promise<never> =>
  Promise.reject(new AppError('NOT_FOUND', 'There is no such transfer.'))

const absentKeychain: Keychain = {
  get: () => Promise.reject(new AppError('KEYCHAIN_ABSENT', 'There is no keychain.')),
  set: () => Promise.reject(new AppError('KEYCHAIN_ABSENT', 'There is no keychain.')),
  delete: () => Promise.reject(new AppError('KEYCHAIN_ABSENT', 'There is no keychain.')),
}

/** An HTTP server over a real library, adder and vault in a folder of its own. */
export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const dir = await mkdtemp(join(tmpdir(), 'sower-http-'))
  const log = options.log ?? silentLog
  const clock = systemClock
  const mediaDir = join(dir, 'media')
  const vault = await openVault({
    dataDir: dir,
    mode: 'headless',
    keychain: absentKeychain,
    oipSecret: options.oipSecret,
    log,
  })
  const db = openDatabase(join(dir, 'sower.db'), { log, clock })
  const folder = new MediaFolder({ dir: mediaDir, log, clock })
  const pool = new HashPool({ log })
  const fileKeys = new FileKeys({
    pair: options.seaPair ?? (() => TEST_PAIR),
    kept: new KeptKeys({ db, folder: new KeptFolder(folder), pair: options.seaPair ?? (() => TEST_PAIR) }),
    clock,
  })
  const library = new Library({
    db,
    folder,
    clock,
    log,
    owner: () => vault.owner(),
    openSealed: sealReader(fileKeys),
    verifyBytes: async (path, signal) => (await hashFile(pool, { path, signal })).sha256,
  })
  await library.start()
  const transfers = new TransferStore({ db, clock })
  const contacts = new Contacts({ db, clock, owner: () => vault.owner(), ownKeys: () => undefined })
  const adder = new Adder({
    library,
    transfers,
    folder,
    pool,
    buildMetainfo,
    magnetURI,
    trackers: () => ['http://127.0.0.1:1/announce'],
    webSeeds: () => [],
    signer: () => vault.signer(),
    self: () => ({ ...TEST_PAIR, owner: vault.signer().publicKey }),
    contacts,
    requireSettled: () => undefined,
    settings: {
      get: () => ({ publicUrl: null, reserveBytes: options.reserveBytes ?? 0, bootstrapBytes: 0 }),
    },
    clock,
    log,
  })
  adder.start()
  const network = new Network({
    dir: join(dir, 'gun'),
    db,
    settings: () => ({ relays: [], isFeedWanted: false, endpoints: [], isPaused: false }),
    node: vault.nodeKey,
    seaSigner: () => undefined,
    trustedOwners: () => new Set(),
    items: {
      manifest: () => Promise.resolve(undefined),
      own: () => [],
      listed: () => [],
      hidden: () => [],
      withdrawn: () => [],
      present: () => [],
    },
    ownerSigner: () => undefined,
    onTooLarge: () => undefined,
    onClockBehind: () => undefined,
    identify: identifyClient,
    ownOrigins: () => [],
    clock,
    log,
  })
  const catalogue = new Catalogue(db)
  const keeper = new CatalogueKeeper({
    db,
    catalogue,
    library,
    network,
    withdrawnBy: (mediaId) => options.revocations?.get(mediaId)?.owner,
    owner: () => vault.owner(),
    log,
    onChange: () => undefined,
  })
  const listeners = new Map<EngineEventName, Set<(payload: never) => void>>()
  const settings: Pick<Settings, 'host' | 'port' | 'controlPort' | 'publicUrl' | 'maxUploadBytes'> = {
    host: '127.0.0.1',
    port: 0,
    controlPort: 0,
    publicUrl: null,
    maxUploadBytes: 64 * 1024 * 1024,
    ...options.settings,
  }
  const status = (): NodeStatus => nodeStatus(mediaDir, vault.owner())
  const server = new HttpServer({
    settings: { get: () => settings },
    dataDir: dir,
    library,
    plainFiles: { item: plainOpener({ library, fileKeys }), transfer: options.openTransfer ?? noTransfer },
    adder: options.wrapAdder?.(adder) ?? adder,
    resolveRecipient: (named) => contacts.resolve(named),
    vault,
    revocationOf: (mediaId) => options.revocations?.get(mediaId),
    search: catalogue,
    handlers: options.handlers ?? handlersOf(library, status),
    events: {
      on: (name, listener) => {
        const set = listeners.get(name) ?? new Set()
        listeners.set(name, set.add(listener))
        return () => set.delete(listener)
      },
    },
    status,
    isPaused: options.isPaused ?? (() => false),
    relay: network.relay,
    attachGun: (req, socket, head) => network.attachUpgrade(req, socket, head),
    outbound: options.outbound ?? new Outbound(),
    rendererDir: options.rendererDir,
    clock,
    log,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  const stop = async (): Promise<void> => {
    await server.stop()
    await network.stop()
    await keeper.stop()
    await adder.stop()
    await library.stop()
    await pool.close()
    db.close()
    vault.close()
    await rm(dir, { recursive: true, force: true })
  }
  const store = async (
    stream: Readable,
    name: string,
    accessLevel: 'public' | 'private',
  ): Promise<ItemRow> => {
    const signal = new AbortController().signal
    const { row } = await adder.addStream({ stream, name, accessLevel, maxBytes: 2 ** 40, signal })
    return row
  }
  const addresses = await server.start().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  if (options.isNetworked === true) network.start()
  const { token } = await vault.issueToken()
  return {
    ...addresses,
    dir,
    mediaDir,
    vault,
    library,
    folder,
    transfers,
    network,
    contacts,
    ownerToken: token,
    owner: vault.owner() ?? '',
    emit: (name, payload) => {
      // A test emits what it likes; the types of payloads are the engine's business.
      for (const listener of listeners.get(name) ?? []) listener(payload as never)
    },
    add: (bytes, { name = 'item.bin', accessLevel = 'public' } = {}) =>
      store(Readable.from([bytes], { objectMode: false }), name, accessLevel),
    addStream: (stream, name) => store(stream, name, 'public'),
    index: () => keeper.check(),
    incoming: () => readdir(join(mediaDir, '.incoming')),
    stop,
  }
}

/** The calls the HTTP server itself makes, and one that takes an argument; the engine's own handlers are tested with the engine. */
function handlersOf(library: Library, status: () => NodeStatus): EngineHandlers {
  const handlers: Partial<EngineHandlers> = {
    'node.status': () => Promise.resolve(status()),
    'settings.get': () =>
      Promise.resolve({ values: {}, fixedBy: {}, needsRestart: [] } as unknown as SettingsView),
    'transfers.list': () => Promise.resolve({ transfers: [] }),
    'library.list': (args) => {
      const { rows, total, counts } = library.list(args)
      return Promise.resolve({ items: rows as unknown as Item[], total, counts })
    },
    'library.get': ({ mediaId }) =>
      Promise.reject(new AppError('NOT_FOUND', 'There is no such item.', { details: { mediaId } })),
    'library.verify': () => Promise.reject(new Error('a bug with a secret in it')),
  }
  // The calls left out are not made in these tests.
  return handlers as EngineHandlers
}

function nodeStatus(dir: string, owner: string | null): NodeStatus {
  return {
    version: '0.0.0',
    nodeId: '0'.repeat(40),
    startedAtMs: Date.now() - 5000,
    url: '',
    controlUrl: '',
    peerPort: 0,
    media: { dir, state: 'ok', usedBytes: 0 },
    wallet: {
      storage: 'keyfile',
      state: 'ready',
      isBackedUp: false,
      isReplaceable: false,
      ...(owner === null ? {} : { owner }),
    },
    seeding: {
      isPaused: false,
      items: 0,
      peersTcp: 2,
      peersWebrtc: 1,
      uploadRateBytesPerSec: 0,
      downloadRateBytesPerSec: 0,
      uploadedBytes: 0,
    },
    trackers: [],
    network: { state: 'running', relays: [], sockets: 0, memoryBytes: 0, restarts: 0, dropped: {} },
    unheardErrors: 0,
    notices: [],
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** One request with exactly these headers on a connection of its own. */
export function ask(
  url: string,
  options: RequestOptions & { body?: string | Uint8Array } = {},
): Promise<Answer> {
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, ...rest }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          rawHeaders: res.rawHeaders,
          body: Buffer.concat(chunks),
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Sends bytes as they are and gives everything that comes back until the other side closes. */
export function askRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

export function json(answer: Answer): unknown {
  return JSON.parse(answer.body.toString('utf8'))
}
