import Gun from 'gun/gun.js'
// In this order: each lets the later ones do their part first.
import 'gun/lib/store.js'
import 'gun/lib/rfs.js'
import type { GunGraph } from './graph.ts'
import type { CleanMessage } from './filter.ts'

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

interface GunModule {
  new (options: Readonly<Record<string, unknown>>): { readonly _: GunRoot }
  Mesh(root: GunRoot): GunMesh
  on(tag: string, listener: (this: GunTag, root: GunRoot) => void): void
  readonly log: { off?: boolean }
}

/** GUN without its servers, sockets, browsers and neighbours: graph, conflict resolution, wire format and disk. */
export function makeGun(dir: string): GunRoot {
  const gun = Gun as unknown as GunModule // its own types leave all of this out
  gun.log.off = true
  // The mesh has to be there before GUN's own socket code would make one that dials.
  gun.on('opt', function (root) {
    root.opt.mesh ??= gun.Mesh(root)
    this.to.next(root)
  })
  const { _: root } = new gun({
    file: dir,
    radisk: true,
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
    lack: 15_000,
    log: () => undefined,
  })
  const { mesh } = root.opt
  // These would dial an address that a stranger names, or print what he says.
  mesh.hear.mob = () => undefined
  mesh.hear['!'] = () => undefined
  mesh.wire = () => undefined
  return root
}
