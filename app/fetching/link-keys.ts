import { AppError } from '../contract/index.ts'
import { makeEnvelope, openEnvelope } from '../vault/index.ts'
import type { Plan } from './plan.ts'
import type { KeyRing, TransferRows } from './ports.ts'

/** A box made for a download is for its key alone; manifests count their versions themselves. */
const BOX_VERSION = 1

/**
 * The keys that links bring, until the manifests of their items are there to keep them with. On the disk each is boxed for
 * this wallet alone; while the wallet is not open they are in memory only.
 */
export class LinkKeys {
  readonly #ring: KeyRing
  /** By transfer. */
  readonly #unboxed = new Map<string, Buffer>()

  constructor(ring: KeyRing) {
    this.#ring = ring
  }

  /** Gives a plan the key that its link brought, boxed, unless the wallet is not open. @param fileKey 32 bytes; left untouched */
  async boxInto(plan: Plan, fileKey: Uint8Array): Promise<void> {
    const box = plan.mediaId === undefined ? null : await this.#box(plan.mediaId, fileKey)
    if (box !== null) plan.boxedKey = box
  }

  async #box(mediaId: string, fileKey: Uint8Array): Promise<string | null> {
    let pair
    try {
      pair = this.#ring.pair()
    } catch (error) {
      if (error instanceof AppError) return null
      throw error
    }
    const { pub, epub } = pair
    const recipients = [{ owner: '', pub, epub }]
    return JSON.stringify(await makeEnvelope({ fileKey, mediaId, version: BOX_VERSION, recipients }))
  }

  /** Until the node ends, or the wallet opens. */
  hold(id: string, fileKey: Uint8Array): void {
    this.forget(id)
    this.#unboxed.set(id, Buffer.from(fileKey))
  }

  /**
   * @returns 32 bytes, to be wiped by whoever asked; `null` when the link brought none (any more)
   * @throws {AppError} the wallet's own error while it is not open; `KEY_NEEDED` when it is another wallet now
   */
  async of(id: string, { mediaId, boxedKey }: Plan): Promise<Buffer | null> {
    const held = this.#unboxed.get(id)
    if (held !== undefined) return Buffer.from(held)
    if (boxedKey === undefined || mediaId === undefined) return null
    return openEnvelope(JSON.parse(boxedKey), this.#ring.pair(), { mediaId, version: BOX_VERSION })
  }

  /** Whether the link of this download brought a key. */
  has(id: string, { boxedKey }: Plan): boolean {
    return boxedKey !== undefined || this.#unboxed.has(id)
  }

  /** Boxes what is held, if the wallet has opened, and lets go of it once that is written. @throws {AppError} when it can't be */
  async settle(id: string, plan: Plan, rows: Pick<TransferRows, 'setPayload'>): Promise<void> {
    const held = this.#unboxed.get(id)
    if (held === undefined || plan.mediaId === undefined) return
    const box = await this.#box(plan.mediaId, held)
    if (box === null) return
    plan.boxedKey = box
    rows.setPayload(id, plan)
    this.forget(id)
  }

  forget(id: string): void {
    this.#unboxed.get(id)?.fill(0)
    this.#unboxed.delete(id)
  }
}
