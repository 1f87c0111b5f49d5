import { z } from 'zod'
import type { GunGraph } from './graph.ts'

/** What the engine and GUN's process say to each other. Both sides check it: a wrong message is a bug, not an attack. */

/** Checked in full by whoever made it; here only that it is a graph at all. */
const Graph = z.custom<GunGraph>((value) => typeof value === 'object' && value !== null)
const Id = z.int().nonnegative()

const Settings = {
  relays: z.array(z.string()),
  /** With less than this free on the drive, nothing of others is kept. */
  reserveBytes: z.int().nonnegative(),
}

export const ToGun = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    /** Where its files are; made when it is not there. */
    dir: z.string(),
    ...Settings,
    /** What others wrote goes beyond this, the oldest first. */
    maxStoreBytes: z.int().positive(),
  }),
  z.object({ type: z.literal('settings'), ...Settings }),
  z.object({
    type: z.literal('put'),
    id: Id,
    graph: Graph,
    /** The address of the one relay that is to have it. */
    to: z.string().optional(),
    timeoutMs: z.int().positive(),
  }),
  z.object({
    type: z.literal('get'),
    id: Id,
    /** A soul, or all souls that begin with a prefix. */
    soul: z.union([z.string(), z.object({ prefix: z.string() })]),
    key: z.string().optional(),
    /** The whole of the waiting, and how long for others once a relay said that it has nothing. */
    timeoutMs: z.int().positive(),
    patienceMs: z.int().nonnegative(),
  }),
  /** A page of a list, from its end towards its beginning, of one source alone: `disk`, or the address of a relay. */
  z.object({
    type: z.literal('page'),
    id: Id,
    soul: z.string(),
    from: z.string(),
    /** What the page before it began with. */
    before: z.string().optional(),
    /** How much of what a page may hold is wanted. */
    share: z.number().positive().max(1).optional(),
    timeoutMs: z.int().positive(),
  }),
  /** A socket at our own `/gun`. */
  z.object({ type: z.literal('peer-open'), peer: z.string() }),
  z.object({ type: z.literal('peer-frames'), peer: z.string(), frames: z.array(z.string()) }),
  z.object({ type: z.literal('peer-close'), peer: z.string() }),
  /** What to tell the engine of when it comes by. */
  z.object({ type: z.literal('watch'), isFeedWanted: z.boolean(), publishers: z.array(z.string()) }),
  /** Takes the frozen versions of these items off our own disk: nothing can be written over them. */
  z.object({ type: z.literal('forget'), mediaIds: z.array(z.string()) }),
  /** What was written before it was started: noticed when somebody writes over it. */
  z.object({ type: z.literal('own'), graph: Graph }),
  z.object({ type: z.literal('stop') }),
])
export type ToGun = z.infer<typeof ToGun>

export const RelayStatus = z.object({
  url: z.string(),
  state: z.enum(['connecting', 'open', 'waiting']),
  /** Since when it is in that state. */
  sinceMs: z.number(),
  /** Why it is waiting. */
  error: z.string().optional(),
})
export type RelayStatus = z.infer<typeof RelayStatus>

/** What somebody had (nothing, too): the address of a relay, `disk`, or a peer of our own socket. */
const Answer = z.object({ from: z.string(), graph: Graph })
export type Answer = z.infer<typeof Answer>

export const FromGun = z.discriminatedUnion('type', [
  z.object({ type: z.literal('booted') }),
  z.object({ type: z.literal('ready') }),
  /** The disk begins or ceases to keep what is written, or has lost what it had. */
  z.object({ type: z.literal('disk'), isKeeping: z.boolean(), isNew: z.boolean() }),
  z.object({ type: z.literal('failed'), id: Id }),
  z.object({ type: z.literal('put-done'), id: Id, isStored: z.boolean(), relays: z.array(z.string()) }),
  z.object({ type: z.literal('got'), id: Id, answers: z.array(Answer), isComplete: z.boolean() }),
  z.object({ type: z.literal('peer-send'), peer: z.string(), text: z.string() }),
  /** Frames of a peer it is done with, and how long it wants no more of that one. */
  z.object({
    type: z.literal('credit'),
    peer: z.string(),
    bytes: z.int().nonnegative(),
    waitMs: z.int().nonnegative(),
  }),
  z.object({ type: z.literal('heard'), graph: Graph, from: z.string() }),
  /** Items whose peers somebody asked for. */
  z.object({ type: z.literal('asked'), mediaIds: z.array(z.string()) }),
  /** Our own items of which somebody wrote something else, and how that is dated. */
  z.object({
    type: z.literal('contested'),
    items: z.array(z.object({ mediaId: z.string(), stateMs: z.number() })),
  }),
  z.object({
    type: z.literal('status'),
    relays: z.array(RelayStatus),
    dropped: z.record(z.string(), z.int()),
    memoryBytes: z.int(),
    nodesInMemory: z.int(),
    peers: z.int(),
  }),
  z.object({ type: z.literal('relay'), relay: RelayStatus }),
  /** What time it is just now by a relay's clock. */
  z.object({ type: z.literal('time'), relay: z.string(), atMs: z.number() }),
])
export type FromGun = z.infer<typeof FromGun>
