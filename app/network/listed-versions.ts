import { AppError } from '../contract/index.ts'
import type { Db } from '../library/index.ts'
import type { ManifestIndex } from './manifest-index.ts'

/** An item in a publisher's list. */
export interface Listed {
  readonly mediaId: string
  readonly pub: string
  /** How its entry there is dated. */
  readonly datedMs: number
}

interface Known {
  readonly version: number | null
  readonly listedMs: number | null
}

/**
 * Which of the items in a publisher's list may have a version that is not known yet. A list says that an item is there and not which
 * version, but its entry is dated anew with every version, and once a day: where the date is later than the one last seen, one
 * value is asked for.
 */
export class ListedVersions {
  readonly #db: Db
  readonly #index: Pick<ManifestIndex, 'versionIn' | 'lookup'>

  constructor(db: Db, index: Pick<ManifestIndex, 'versionIn' | 'lookup'>) {
    this.#db = db
    this.#index = index
  }

  /** `new`: nothing is known of it; `dated`: its entry says something new. */
  judge({ mediaId, pub, datedMs }: Listed): 'new' | 'dated' | 'seen' {
    const { version, listedMs } = this.#known(mediaId, pub)
    if (version === null) return 'new'
    return listedMs === null || datedMs > listedMs ? 'dated' : 'seen'
  }

  /**
   * Asks for the version alone, and for the item when that is newer, or when there is none any more.
   * @returns whether all is known now that the entry can be about; undefined when no relay answered
   */
  async compare(listed: Listed): Promise<boolean | undefined> {
    const { mediaId, pub } = listed
    const version = await this.#index.versionIn(mediaId, pub)
    if (version === undefined) return undefined
    const known = this.#known(mediaId, pub).version ?? 0
    if (version === 0 || version > known) {
      const found = await this.#index.lookup(mediaId, { pub })
      const isThere = (found.known?.manifest.version ?? 0) >= version || found.known?.revocation !== undefined
      if (!isThere || found.isUnkept) return false
    }
    await this.saw(listed)
    return true
  }

  /** What the entry says is known. */
  async saw({ mediaId, pub, datedMs }: Listed): Promise<void> {
    const sql = 'UPDATE network_manifests SET listed_ms = ? WHERE media_id = ? AND pub = ?'
    try {
      await this.#db.writeTogether(() => void this.#db.prepare(sql).run(datedMs, mediaId, pub))
    } catch (error) {
      // The disk is full, say: it costs the same question once more.
      if (!(error instanceof AppError)) throw error
    }
  }

  #known(mediaId: string, pub: string): Known {
    const sql =
      'SELECT max(version) AS version, max(listed_ms) AS listedMs FROM network_manifests WHERE media_id = ? AND pub = ?'
    return this.#db.prepare(sql).get(mediaId, pub) as Known
  }
}
