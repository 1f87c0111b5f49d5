import Gun from 'gun/gun.js'
import type { GunGraph, GunValue } from './graph.ts'
import type { CleanMessage } from './filter.ts'
import type { GunDisk } from './gun-disk.ts'
import type { DiskQuery } from './gun-store.ts'

/** The parts of GUN's inside that are used here; its own types describe only the outside. */
export interface GunRoot {
  readonly graph: Record<string, unknown>
  readonly next?: Record<string, unknown>
  readonly opt: { mesh: GunMesh; peers: Record<string, GunPeer> }
  /** Calls `answered` for every answer to the id it gives; ends by itself after `opt.lack`. */
  ask(answered: (message: GunAnswer) => void): string
  on(tag: string, listener: (this: GunTag, message: never) => void): void
  on(tag: string, message: unknown): void
}

/** `this` of a listener: it has to hand the message on. */
export interface GunTag {
  readonly to: { next(message: unknown): void }
}

export interface GunPeer {
  id: string
  url?: string
  wire: object | null
  /** GUN sends through it. */
  say: (text: string) => void
}

export interface GunAnswer {
  readonly put?: GunGraph
  readonly ok?: unknown
  readonly err?: unknown
  readonly '%'?: unknown
  readonly _?: { readonly via?: GunPeer }
}

export interface GunMesh {
  hear: { (message: CleanMessage, peer: GunPeer): void; mob: () => void; '!': () => void }
  say(message: unknown, peer?: GunPeer | Record<string, GunPeer>): unknown
  hi(peer: GunPeer): void
  bye(peer: GunPeer): void
  way?: (message: RoutedMessage) => void
  /** Where GUN would dial an address from. */
  wire?: (peer: unknown) => void
}

export interface RoutedMessage {
  readonly get?: unknown
  readonly _?: { readonly via?: GunPeer }
}

/** What GUN asks its storage to keep: one value, already merged into the graph. */
interface StoragePut {
  readonly '#': unknown
  readonly put: {
    readonly '#': string
    readonly '.': string
    readonly ':': GunValue
    readonly '>': number
  }
  /** `rad`: it comes from storage. `via`: a peer said it. */
  readonly _?: { readonly rad?: unknown; readonly via?: unknown }
}

interface StorageGet {
  readonly '#': string
  readonly get: NonNullable<CleanMessage['get']>
}

/** An answer is a message, and a peer takes none of more than 256 KiB. */
const MAX_ANSWER_SIZE = 160 * 1024

interface GunModule {
  new (options: Readonly<Record<string, unknown>>): { readonly _: GunRoot }
  Mesh(root: GunRoot): GunMesh
  on(tag: string, listener: (this: GunTag, root: GunRoot) => void): void
  readonly log: { off?: boolean }
}

/** GUN without its servers, sockets, browsers and neighbours: graph, conflict resolution and wire format, on our disk. */
export function makeGun(disk: GunDisk): GunRoot {
  const gun = Gun as unknown as GunModule // its own types leave all of this out
  gun.log.off = true
  // The mesh has to be there before GUN's own socket code would make one that dials.
  gun.on('opt', function (root) {
    root.opt.mesh ??= gun.Mesh(root)
    this.to.next(root)
  })
  const { _: root } = new gun({
    radisk: false,
    axe: false,
    multicast: false,
    localStorage: false,
    stats: false,
    WebSocket: false,
    ws: false,
    // Nothing is asked for again when a peer comes: we ask when we want to know.
    super: true,
    peers: {},
    // A batch of the mesh, and how long an answer is waited for.
    pack: 64 * 1024,
    lack: 25_000,
    log: () => undefined,
  })
  const { mesh } = root.opt
  // These would dial an address that a stranger names, or print what he says.
  mesh.hear.mob = () => undefined
  mesh.hear['!'] = () => undefined
  mesh.wire = () => undefined
  connectDisk(root, disk)
  return root
}

/** As GUN's own storage adapters do it. @see lib/store.js of gun */
function connectDisk(root: GunRoot, disk: GunDisk): void {
  root.on('put', function (this: GunTag, message: StoragePut) {
    this.to.next(message)
    if (message._?.rad !== undefined) return
    const { '#': soul, '.': key, ':': value, '>': state } = message.put
    disk.put({ soul, key, value, state, isOwn: message._?.via === undefined }, () =>
      root.on('in', { '@': message['#'], ok: 1 }),
    )
  } as never)
  root.on('get', function (this: GunTag, message: StorageGet) {
    this.to.next(message)
    // What comes from the disk was checked when it got there: GUN passes it to whoever asked, and on.
    const faith = Object.assign(() => undefined, { faith: true, rad: message.get })
    root.on('in', { '@': message['#'], put: disk.get(toQuery(message.get)), _: faith })
  } as never)
}

function toQuery({ '#': soul, '.': key, '%': limit = MAX_ANSWER_SIZE }: StorageGet['get']): DiskQuery {
  const wanted = typeof soul === 'string' ? soul : { prefix: soul['*'] }
  const most = { soul: wanted, limit: Math.min(limit, MAX_ANSWER_SIZE) }
  if (key === undefined || typeof key === 'string') return { ...most, key: key === '' ? undefined : key }
  const { '*': prefix, '=': exactly, '>': from, '<': to, '-': reverse } = key
  if (typeof exactly === 'string') return { ...most, key: exactly }
  return {
    ...most,
    key: {
      prefix: typeof prefix === 'string' ? prefix : '',
      ...(typeof from === 'string' ? { from } : {}),
      ...(typeof to === 'string' ? { to } : {}),
    },
    isReverse: reverse !== undefined,
  }
}
