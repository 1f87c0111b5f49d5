import { AppError, type MediaId, type Transfer } from '../contract/index.ts'
import { unreadable } from './failures.ts'
import type { ParsedLink } from './link.ts'
import { joinSwarms, readPlan, type Plan } from './plan.ts'
import type { FetcherDeps, TransferRows } from './ports.ts'

interface Planned {
  readonly id: string
  readonly plan: Plan
}

/** The rows of downloads, each with its plan: on the disk, or in the hands of the run that goes by it. */
export class Plans {
  readonly #transfers: TransferRows
  readonly #running: (id: string) => Plan | undefined

  /** @param running the plan a download that runs goes by */
  constructor(transfers: TransferRows, running: (id: string) => Plan | undefined) {
    this.#transfers = transfers
    this.#running = running
  }

  /** @throws {AppError} when it can't be read any more */
  require(id: string): Plan {
    const plan = this.#read(id)
    if (plan === null) throw unreadable()
    return plan
  }

  /** A row for what a link leads to. @returns its id */
  create({ name, mediaId, infoHash }: ParsedLink, plan: Plan): string {
    const { id } = this.#transfers.create({
      kind: 'get',
      name: name ?? mediaId ?? infoHash ?? 'media',
      ...(mediaId === undefined ? {} : { mediaId: mediaId as MediaId }), // 64 hex by the parser
    })
    this.#transfers.setPayload(id, plan)
    return id
  }

  /** On the disk when this returns, with what the list shows of it. */
  write(id: string, plan: Plan): void {
    this.#transfers.setPayload(id, plan)
    if (this.#transfers.get(id)?.mediaId !== plan.mediaId)
      this.#transfers.update(id, { mediaId: plan.mediaId as MediaId }) // 64 hex by the parser
  }

  /** @throws {AppError} `NOT_FOUND`; `CONFLICT` when the download is in another state */
  requireState(id: string, allowed: readonly Transfer['state'][]): Transfer {
    const transfer = this.#transfers.get(id)
    if (transfer?.kind !== 'get') throw new AppError('NOT_FOUND', 'There is no such download.')
    if (!allowed.includes(transfer.state)) {
      throw new AppError('CONFLICT', `This download is ${transfer.state}, so that can't be done with it.`)
    }
    return transfer
  }

  isOver(id: string): boolean {
    const state = this.#transfers.get(id)?.state
    return state === undefined || state === 'done' || state === 'failed' || state === 'cancelled'
  }

  /** Downloads that are not over. */
  unfinished(): Planned[] {
    return this.#transfers.listUnfinished().flatMap(({ id, kind }) => {
      const plan = kind === 'get' ? this.#read(id) : null
      return plan === null ? [] : [{ id, plan }]
    })
  }

  /** The download under way of what a link leads to. */
  sameItem(link: Pick<ParsedLink, 'mediaId' | 'infoHash'>): Planned | undefined {
    const { mediaId, infoHash } = link
    const unfinished = this.unfinished()
    const isOther = ({ plan }: Planned): boolean =>
      mediaId !== undefined && plan.mediaId !== undefined && plan.mediaId !== mediaId
    return (
      unfinished.find(({ plan }) => mediaId !== undefined && plan.mediaId === mediaId) ??
      // The torrent it is fetched by may be one that a manifest or a source has named.
      unfinished.find(
        (one) =>
          infoHash !== undefined &&
          (one.plan.infoHash === infoHash || one.plan.verified?.infoHash === infoHash) &&
          !isOther(one),
      )
    )
  }

  /**
   * Of links that name one torrent and different items one is wrong, which the bytes will show: whoever is named by one of them
   * is asked for both.
   * @returns the downloads under way that have somebody new to ask
   */
  shareSwarm(plan: Plan): string[] {
    const { infoHash } = plan
    const others = this.unfinished().filter(
      ({ plan: other }) =>
        infoHash !== undefined && (other.infoHash === infoHash || other.verified?.infoHash === infoHash),
    )
    return others.flatMap(({ id, plan: other }) => {
      joinSwarms(plan, other)
      if (!joinSwarms(other, plan)) return []
      this.write(id, other)
      return [id]
    })
  }

  #read(id: string): Plan | null {
    return this.#running(id) ?? readPlan(this.#transfers.payload(id))
  }
}

/** Writes how far a download is. What can't be written (a full disk, say) waits for the next time: at worst a part is fetched again. */
export function notePlan(
  { transfers, log }: Pick<FetcherDeps, 'transfers' | 'log'>,
  id: string,
  plan: Plan,
): void {
  try {
    transfers.setPayload(id, plan)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    log.debug('get.progress-not-written', { id, code: error.code })
  }
}
