import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeRoutes } from '../../../app/http/node-routes.ts'
import { AuthRoutes } from '../../../app/http/auth-routes.ts'
import { RelayRoutes } from '../../../app/http/relay-routes.ts'
import { SearchRoutes } from '../../../app/http/search-routes.ts'
import { ask, json } from '../http/test-node.ts'
import type { Answer } from '../http/test-node.ts'
import { post } from './login.ts'
import { EVERYBODY, KNOWN, NOBODY, openAccessNode, READERS, stranger } from '../../support/access-node.ts'
import type { AccessNode, Kind, Reader, Row } from '../../support/access-node.ts'

/** Only what is public or ciphertext has a torrent. */
const TORRENTS: Record<Kind, Row> = {
  ...KNOWN,
  private: NOBODY,
  'shared, in the clear': NOBODY,
  organization: NOBODY,
}

/** Every route of the node listener: by item where its path names one, else by reader. A new route needs a line here. */
const EXPECTED: Record<string, Record<Kind, Row> | Row> = {
  'GET /media/:mediaId': KNOWN,
  'GET /api/media/:mediaId': KNOWN,
  'GET /api/media/:mediaId/info': KNOWN,
  'GET /media/manifest': KNOWN,
  'GET /api/media/:mediaId/torrent': TORRENTS,
  // What is asked for lies in GUN; `relay-routes.test.ts` has the table of it.
  'GET /get': [404, 404, 404, 404, 404, 404],
  // What is sent says nothing that could be kept: how far each gets is what counts.
  'POST /media/manifest': [401, 400, 400, 400, 400, 400],
  'POST /media/presence': [401, 403, 403, 403, 403, 200],
  'POST /put': [401, 403, 403, 403, 403, 200],
  'POST /api/media/upload': [401, 403, 403, 403, 403, 201],
  'POST /api/auth/challenge': EVERYBODY,
  'POST /api/auth/token': [401, 401, 401, 401, 401, 401],
  'GET /api/search': EVERYBODY,
  'GET /api/records': EVERYBODY,
  'GET /health': EVERYBODY,
  'GET /openapi.json': EVERYBODY,
}

let access: AccessNode
beforeAll(async () => {
  access = await openAccessNode()
})
afterAll(() => access.node.stop())

const ITEM_ROUTES = Object.entries(EXPECTED).flatMap(([route, table]) =>
  Array.isArray(table)
    ? []
    : (Object.entries(table) as [Kind, Row][]).map(([kind, row]) => ({ route, kind, row })),
)

describe('the routes of the node listener', () => {
  it('are the ones of the table', () => {
    // Only listed, never asked: they need nothing of what they are made of.
    const nothing = {} as never
    const routes = new NodeRoutes({
      auth: new AuthRoutes(nothing),
      relay: new RelayRoutes(nothing),
      search: new SearchRoutes(nothing),
    } as never).routes()
    expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
      Object.keys(EXPECTED).toSorted(),
    )
  })

  it('are described in the OpenAPI document', async () => {
    const { paths } = json(await ask(`${access.node.url}/openapi.json`)) as { paths: Record<string, object> }
    for (const route of Object.keys(EXPECTED)) {
      const [method = '', path = ''] = route.split(' ')
      expect(paths[path.replace(/:(\w+)/, '{$1}')]).toHaveProperty(method.toLowerCase())
    }
  })

  it.each(ITEM_ROUTES)('$route of what is $kind', async ({ route, kind, row }) => {
    const url = access.urlOf(route, access.idOf(kind))
    const all = async (init: object): Promise<number[]> => {
      const statuses: number[] = []
      for (const reader of READERS) {
        const answer = await ask(url, {
          ...init,
          headers: { ...access.headersFor(reader), ...(init as { headers?: object }).headers },
        })
        statuses.push(answer.status)
      }
      return statuses
    }
    expect(await all({})).toEqual(row)
    expect(await all({ method: 'HEAD' })).toEqual(row)
    const hasRanges = /^GET (\/api)?\/media\/:mediaId$/.test(route)
    const ranged = row.map((status) => (status === 200 && hasRanges ? 206 : status))
    expect(await all({ headers: { range: 'bytes=3-7' } })).toEqual(ranged)
    // A token that does not hold is never as good as none, nor worse for what is not there.
    expect((await ask(url, { headers: { authorization: 'Bearer a.b.c' } })).status).toBe(401)
  })

  it.each(READERS)('that name no item, for %s', async (reader) => {
    const at = READERS.indexOf(reader)
    const headers = access.headersFor(reader)
    const data = randomBytes(9).toString('base64')
    const proof = { publicKey: stranger.publicKey, challenge: 'x'.repeat(72), signature: 'x'.repeat(86) }
    const answers: Record<string, Answer> = {
      'POST /api/media/upload': await post(
        `${access.node.url}/api/media/upload`,
        { source: 'base64', data },
        headers,
      ),
      'GET /get': await ask(`${access.node.url}/get?soul=media:${'ef'.repeat(32)}`, { headers }),
      'POST /media/manifest': await post(`${access.node.url}/media/manifest`, { id: 'none' }, headers),
      'POST /media/presence': await post(
        `${access.node.url}/media/presence`,
        { mediaId: 'ef'.repeat(32), peerId: 'oip-peer' },
        headers,
      ),
      'POST /put': await post(
        `${access.node.url}/put`,
        { soul: `media:${'ee'.repeat(32)}`, data: { id: 'ee'.repeat(32) } },
        headers,
      ),
      'POST /api/auth/challenge': await post(
        `${access.node.url}/api/auth/challenge`,
        { publicKey: stranger.publicKey },
        headers,
      ),
      'POST /api/auth/token': await post(`${access.node.url}/api/auth/token`, proof, headers),
      'GET /api/search': await ask(`${access.node.url}/api/search`, { headers }),
      'GET /api/records': await ask(`${access.node.url}/api/records?storage=gun&recordType=media`, {
        headers,
      }),
      'GET /health': await ask(`${access.node.url}/health`, { headers }),
      'GET /openapi.json': await ask(`${access.node.url}/openapi.json`, { headers }),
    }
    for (const [route, row] of Object.entries(EXPECTED)) {
      if (Array.isArray(row))
        expect([route, answers[route]?.status]).toEqual([route, (row as unknown as Row)[at]])
    }
    const health = json(answers['GET /health'] ?? (await ask(access.node.url))) as object
    expect('mediaFiles' in health).toBe(reader === 'owner')
  })
})

describe('what may not be known of', () => {
  const withoutDate = ({ status, headers, body }: Answer) => ({
    status,
    headers: { ...headers, date: '' },
    body: body.toString(),
  })

  it('is answered exactly like an id that nobody has, on every route', async () => {
    for (const { route, kind, row } of ITEM_ROUTES) {
      for (const [index, reader] of READERS.entries()) {
        if (row[index] !== 404) continue
        const headers = access.headersFor(reader)
        const answer = await ask(access.urlOf(route, access.idOf(kind)), { headers })
        const absent = await ask(access.urlOf(route, 'cd'.repeat(32)), { headers })
        expect(withoutDate(answer)).toEqual(withoutDate(absent))
      }
    }
  })

  it('is looked up like an id that nobody has: the same questions, the same number of them', async () => {
    const asked: string[] = []
    const get = access.node.library.get.bind(access.node.library)
    const lookUp = access.revocations.get.bind(access.revocations)
    access.node.library.get = (mediaId, options) => {
      asked.push(`get ${options?.isTrashIncluded ?? false}`)
      return get(mediaId, options)
    }
    access.revocations.get = (mediaId) => {
      asked.push('revocation')
      return lookUp(mediaId)
    }
    const others = (['manifest', 'metainfo', 'openFile'] as const).map((name) => {
      const original = access.node.library[name]
      access.node.library[name] = ((...args: [string]) => {
        asked.push(name)
        return (original as (...rest: [string]) => unknown).apply(access.node.library, args)
      }) as never
      return () => (access.node.library[name] = original as never)
    })
    const questionsFor = async (id: string, reader: Reader): Promise<string[]> => {
      asked.length = 0
      await ask(`${access.node.url}/media/${id}`, { headers: access.headersFor(reader) })
      return [...asked]
    }
    try {
      for (const reader of ['anonymous', 'stranger'] as const) {
        const absent = await questionsFor(access.idOf('nobody’s'), reader)
        expect(absent).toHaveLength(3)
        for (const kind of [
          'private',
          'private, encrypted',
          'shared, encrypted',
          'withdrawn',
          'in the trash',
        ] as const) {
          expect(await questionsFor(access.idOf(kind), reader)).toEqual(absent)
        }
      }
    } finally {
      access.node.library.get = get
      access.revocations.get = lookUp
      for (const restore of others) restore()
    }
  })
})
