import { z } from 'zod'
import type { TransferStore } from '../library/index.ts'

/** What an add must know to begin again after a crash. */
const AddPayload = z.discriminatedUnion('source', [
  z.object({
    source: z.literal('path'),
    path: z.string(),
    storage: z.enum(['auto', 'copy', 'link']),
    isEncrypted: z.boolean().default(false),
    /** Owner keys of those it is shared with. Never a key of the file: every attempt makes its own. */
    people: z.array(z.string()).default([]),
    /** Set right before the commit: with these bytes in the library the job is done. */
    committing: z.object({ mediaId: z.string(), isDuplicate: z.boolean() }).optional(),
  }),
  /** Came over a connection that is gone after a crash. */
  z.object({ source: z.literal('stream') }),
])
export type AddPayload = z.output<typeof AddPayload>
export type PathPayload = Extract<AddPayload, { source: 'path' }>

/** `undefined` when nothing usable was stored. */
export function readPayload(transfers: Pick<TransferStore, 'payload'>, id: string): AddPayload | undefined {
  return AddPayload.safeParse(transfers.payload(id)).data
}
