import { z } from 'zod'
import { AccessLevel, AppError, MediaKind, PersonKey } from '../contract/index.ts'
import { canRead } from '../manifest/index.ts'
import type { Reader } from '../manifest/index.ts'
import type { CatalogueEntry, CataloguePage } from '../search/index.ts'
import { PUBLIC_HEADERS, sendJson } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import type { MediaShelf, SearchIndex } from './ports.ts'
import type { Route } from './router.ts'
import type { TokenBuckets } from './token-buckets.ts'
import { rateLimited } from './viewer.ts'
import type { ViewerCheck } from './viewer.ts'

/** What can be asked; parameters of other names are not looked at. */
export const SearchParameters = z.object({
  q: z.string().max(200).default(''),
  type: MediaKind.optional(),
  access: AccessLevel.optional(),
  owner: PersonKey.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional(),
})
type SearchParameters = z.output<typeof SearchParameters>

export interface SearchRoutesOptions {
  readonly index: SearchIndex
  readonly library: Pick<MediaShelf, 'get'>
  readonly viewers: ViewerCheck
  readonly buckets: TokenBuckets
  readonly limits: HttpLimits
  readonly baseUrl: () => string
}

/** Finding what this node knows of, in its own form and in OIP's. Nobody is told of what they may not read. */
export class SearchRoutes {
  readonly #options: SearchRoutesOptions

  constructor(options: SearchRoutesOptions) {
    this.#options = options
  }

  routes(): readonly Route[] {
    return [
      { method: 'GET', path: '/api/search', answer: (exchange) => this.#search(exchange) },
      { method: 'GET', path: '/api/records', answer: (exchange) => this.#records(exchange) },
    ]
  }

  async #search(exchange: Exchange): Promise<void> {
    const reader = await this.#admit(exchange)
    const { entries, cursor } = this.#find(readParameters(exchange.query), reader)
    const items = entries.map((entry) => ({
      mediaId: entry.mediaId,
      did: didOf(entry),
      name: entry.name,
      mime: entry.mime,
      size: entry.sizeBytes,
      createdAt: new Date(entry.createdAtMs).toISOString(),
      access_level: entry.accessLevel,
      owner: entry.owner,
      version: entry.version,
      ...this.#addresses(entry, reader),
    }))
    sendJson(exchange, 200, { items, ...(cursor === undefined ? {} : { cursor }) }, openTo(reader))
  }

  /** OIP's form, as far as records of media go. Totals are given where they are known: when everything is on this page. */
  async #records(exchange: Exchange): Promise<void> {
    const reader = await this.#admit(exchange)
    const { query } = exchange
    if ((query.get('page') ?? '1') !== '1')
      throw new AppError('BAD_REQUEST', 'Pages have no numbers here: give the cursor of the page before.')
    const search = query.get('search') ?? query.get('q') ?? ''
    const parameters = readParameters(new URLSearchParams([...query, ['q', search]]))
    const isAsked =
      isOneOf(query.get('storage') ?? query.get('source'), ['gun', 'all']) &&
      isOneOf(query.get('recordType'), ['media'])
    const { entries, cursor }: CataloguePage = isAsked ? this.#find(parameters, reader) : { entries: [] }
    const isWhole = cursor === undefined && parameters.cursor === undefined
    sendJson(
      exchange,
      200,
      {
        message: 'Records retrieved successfully',
        ...(isWhole ? { totalRecords: entries.length, currentPage: 1, totalPages: 1 } : {}),
        pageSize: parameters.limit,
        searchResults: entries.length,
        queryParams: Object.fromEntries(query),
        ...(cursor === undefined ? {} : { cursor }),
        records: entries.map((entry) => this.#record(entry, reader)),
        auth:
          reader.kind === 'stranger'
            ? { authenticated: false, user: null }
            : { authenticated: true, user: { publicKey: reader.publicKey } },
      },
      openTo(reader),
    )
  }

  #record(entry: CatalogueEntry, reader: Reader): object {
    const { infoHash, magnetURI, httpUrl } = this.#addresses(entry, reader)
    return {
      data: {
        basic: { name: entry.name, date: Math.floor(entry.createdAtMs / 1000) },
        media: {
          id: entry.mediaId,
          did: didOf(entry),
          mime: entry.mime,
          size: entry.sizeBytes,
          originalName: entry.name,
          version: entry.version,
          transport: {
            ...(infoHash === undefined ? {} : { bittorrent: { infoHash, magnetURI } }),
            ...(httpUrl === undefined ? {} : { http: [httpUrl] }),
          },
        },
        accessControl: { access_level: entry.accessLevel, owner_public_key: entry.owner },
      },
      oip: {
        did: didOf(entry),
        storage: 'gun',
        recordType: 'media',
        creator: { publicKey: entry.owner },
      },
    }
  }

  async #admit(exchange: Exchange): Promise<Reader> {
    const { buckets, limits, viewers } = this.#options
    const rate = limits.rates.search[exchange.isLoopback ? 'loopback' : 'stranger']
    const waitMs = buckets.take(`search ${exchange.clientKey}`, rate)
    if (waitMs > 0) throw rateLimited(waitMs)
    return viewers.identify(exchange)
  }

  #find({ q, type, access, ...rest }: SearchParameters, reader: Reader): CataloguePage {
    return this.#options.index.find({ text: q, kind: type, accessLevel: access, ...rest }, reader)
  }

  /** How its bytes are come by; from here only where they are here and theirs to read. */
  #addresses({ mediaId, infoHash }: CatalogueEntry, reader: Reader) {
    const { library, baseUrl } = this.#options
    const row = library.get(mediaId)
    return {
      ...(infoHash === undefined ? {} : { infoHash, magnetURI: `magnet:?xt=urn:btih:${infoHash}` }),
      ...(row === undefined || !canRead(reader, row) ? {} : { httpUrl: `${baseUrl()}/media/${mediaId}` }),
    }
  }
}

/** @throws {AppError} `BAD_REQUEST` naming the parameter */
function readParameters(query: URLSearchParams): SearchParameters {
  const given = Object.fromEntries([...query].filter(([, value]) => value !== ''))
  const parsed = SearchParameters.safeParse(given)
  if (parsed.success) return parsed.data
  const name = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new AppError('BAD_REQUEST', `The parameter “${name}” of this search is not valid.`)
}

function isOneOf(value: string | null, known: readonly string[]): boolean {
  return value === null || value === '' || known.includes(value)
}

function didOf({ mediaId }: CatalogueEntry): string {
  return `did:gun:media:${mediaId}`
}

/** What a stranger is told, any web page may read. */
function openTo(reader: Reader): typeof PUBLIC_HEADERS {
  return reader.kind === 'stranger' ? PUBLIC_HEADERS : {}
}
