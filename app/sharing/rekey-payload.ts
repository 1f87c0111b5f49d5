import { z } from 'zod'
import { MediaId, PersonKey } from '../contract/index.ts'
import { Revocation } from './revocation.ts'

/**
 * What encrypting anew must know to go on after a crash. `rekey`: an encrypted item gets a new key, without the removed
 * people; `encrypt`: an item kept back in the clear becomes ciphertext.
 */
export const RekeyPayload = z.object({
  mode: z.enum(['rekey', 'encrypt']),
  oldId: MediaId,
  /** Who loses access; those who gain it while the job waits are not forgotten. */
  removed: z.array(PersonKey),
  /** Lit gives the new key to nobody; otherwise to whom it gave the old one. */
  isWithoutConditions: z.boolean().default(false),
  /** Who is to be able to read what was in the clear. */
  people: z.array(PersonKey),
  reason: z.string().optional(),
  /**
   * Written with the note that the new item is about to be put in its place: from then on it is there or it is not, and
   * when it is, the old one goes. Signed already, so that this needs no wallet.
   */
  replacement: z.object({ newId: MediaId, revocation: Revocation.optional() }).optional(),
  /** The new item is there for good. */
  isCommitted: z.boolean(),
})
export type RekeyPayload = z.output<typeof RekeyPayload>
