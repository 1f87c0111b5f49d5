import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import type { GunNode } from './graph.ts'
import type { GunClient } from './gun-client.ts'
import { below, boundBefore } from './list-page.ts'

export interface ListReaderOptions {
  readonly client: Pick<GunClient, 'page' | 'status'>
  readonly db: Db
}

export interface ListRound {
  /** What of a page is in the list, as far as it can be believed. */
  readonly idsIn: (page: GunNode) => string[]
  /** Deals with these, in this order. @returns how many of them it got to before the round was over for it */
  readonly take: (ids: readonly string[]) => Promise<number>
  readonly isEnded: () => boolean
}

const DISK = 'disk'
const PAGES_PER_ROUND = 20

/**
 * Reads long lists a part each round. Every source has its own place, kept over restarts: what one of them lacks, or is silent
 * about, hides nothing that another has.
 */
export class ListReader {
  readonly #options: ListReaderOptions

  constructor(options: ListReaderOptions) {
    this.#options = options
  }

  /** Goes on where the last round was, or begins anew. @returns whether a relay answered, and whether there is more to be had at once */
  async read(soul: string, round: ListRound): Promise<{ isAnswered: boolean; isCut: boolean }> {
    let isAnswered = false
    let isCut = false
    const relays = this.#options.client.status().relays.filter(({ state }) => state === 'open')
    for (const source of [DISK, ...relays.map(({ url }) => url)]) {
      if (round.isEnded()) break
      const read = await this.#readSource(soul, source, round)
      isAnswered ||= read.isAnswered && source !== DISK
      isCut ||= read.isCut
    }
    return { isAnswered, isCut }
  }

  /** Nobody wants it any more. */
  forget(soul: string): void {
    const { db } = this.#options
    db.write(() => db.prepare('DELETE FROM network_lists WHERE soul = ?').run(soul))
  }

  async #readSource(
    soul: string,
    source: string,
    { idsIn, take, isEnded }: ListRound,
  ): Promise<{ isAnswered: boolean; isCut: boolean }> {
    let before = this.#place(soul, source)
    for (let page = 0; page < PAGES_PER_ROUND; page += 1) {
      const answer = isEnded() ? undefined : await this.#ask(soul, source, before)
      if (answer === undefined) return { isAnswered: page > 0, isCut: false }
      const ids = answer.node === undefined ? [] : idsIn(answer.node).toSorted().toReversed()
      const taken = await take(ids)
      const isTaken = taken >= ids.length
      const last = ids[taken - 1]
      if (isTaken) before = answer.node && boundBefore(answer.node)
      else if (last !== undefined) before = below(last)
      this.#keepPlace(soul, source, before)
      // From the beginning again in the next round: what is new may be anywhere.
      if (before === undefined) return { isAnswered: true, isCut: false }
      if (!isTaken) break
    }
    return { isAnswered: true, isCut: true }
  }

  async #ask(soul: string, from: string, before: string | undefined): ReturnType<GunClient['page']> {
    try {
      return await this.#options.client.page({ soul, from, before })
    } catch (error) {
      // GUN ended meanwhile: it is asked again in the next round.
      if (error instanceof AppError) return undefined
      throw error
    }
  }

  #place(soul: string, source: string): string | undefined {
    const row = this.#options.db
      .prepare('SELECT before FROM network_lists WHERE soul = ? AND source = ?')
      .get(soul, source) as { before: string } | undefined
    return row?.before
  }

  #keepPlace(soul: string, source: string, before: string | undefined): void {
    const { db } = this.#options
    db.write(() => {
      if (before === undefined)
        return db.prepare('DELETE FROM network_lists WHERE soul = ? AND source = ?').run(soul, source)
      return db
        .prepare(
          `INSERT INTO network_lists (soul, source, before) VALUES (?, ?, ?)
           ON CONFLICT (soul, source) DO UPDATE SET before = excluded.before`,
        )
        .run(soul, source, before)
    })
  }
}
