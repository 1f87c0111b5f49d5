import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeRoutes } from '../../../app/http/node-routes.ts'
import { AuthRoutes } from '../../../app/http/auth-routes.ts'
import { RelayRoutes } from '../../../app/http/relay-routes.ts'
import { SearchRoutes } from '../../../app/http/search-routes.ts'
import type { SignedRevocation } from '../../../app/http/index.ts'
import { signRevocation } from '../../../app/sharing/revocation.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { ask, json, startTestNode, TEST_PAIR } from '../http/test-node.ts'
import type { Answer, TestNode } from '../http/test-node.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { storeEncrypted, storePlain } from './items.ts'
import type { StoredItem } from './items.ts'
import { logIn, post } from './login.ts'

const publisher = testSigner(7)
const recipient = testSigner(8)
const removed = testSigner(9)
const stranger = testSigner(10)
const pair = seaPairFromSeed(Buffer.alloc(64, 6))

/** The order of every row below. The recipient is in `shared_with`; the removed one was, until it was encrypted anew. */
const READERS = ['anonymous', 'stranger', 'recipient', 'removed', 'publisher', 'owner'] as const
type Reader = (typeof READERS)[number]
type Row = readonly [number, number, number, number, number, number]

const EVERYBODY: Row = [200, 200, 200, 200, 200, 200]
const NOBODY: Row = [404, 404, 404, 404, 404, 404]
const PEOPLE: Row = [404, 404, 200, 404, 200, 200]
const OWNERS: Row = [404, 404, 404, 404, 200, 200]
/** Those who could read it, or what took its place. */
const WITHDRAWN: Row = [404, 404, 410, 410, 410, 410]

/** What may be known of an item, whichever of its routes is asked. */
const KNOWN = {
  public: EVERYBODY,
  private: OWNERS,
  'shared, in the clear': PEOPLE,
  organization: PEOPLE,
  'private, encrypted': OWNERS,
  'shared, encrypted': PEOPLE,
  'organization, encrypted': PEOPLE,
  withdrawn: WITHDRAWN,
  'in the trash': NOBODY,
  'nobody’s': NOBODY,
  'no id': NOBODY,
} as const satisfies Record<string, Row>
type Kind = keyof typeof KNOWN

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

const CANARY = `canary-${randomBytes(12).toString('hex')}`
let node: TestNode
const ids = new Map<Kind, string>()
const items = new Map<Kind, StoredItem>()
const tokens = new Map<Reader, string>()
const revocations = new Map<string, SignedRevocation>()

beforeAll(async () => {
  node = await startTestNode({ revocations, isNetworked: true })
  const signer = publisher
  const sharedWith = [recipient.publicKey]
  const us = { owner: node.owner, pub: TEST_PAIR.pub, epub: TEST_PAIR.epub }
  const recipients = [us, { owner: recipient.publicKey, pub: pair.pub, epub: pair.epub }]
  const clear = (name: string) => ({ signer, name, mime: 'text/plain' })
  const sealed = { signer, name: `${CANARY}.gif`, mime: 'image/gif', recipients }
  const plain = (): Buffer => Buffer.concat([Buffer.from(`GIF89a ${CANARY}`), randomBytes(100_000)])
  const bytes = (): Buffer => randomBytes(1000)
  const store = { clear: storePlain.bind(null, node), sealed: storeEncrypted.bind(null, node) }

  items.set('public', await store.clear(bytes(), { ...clear('public.txt'), accessLevel: 'public' }))
  items.set(
    'private',
    await store.clear(bytes(), { ...clear('private.txt'), accessLevel: 'private', sharedWith }),
  )
  items.set(
    'shared, in the clear',
    await store.clear(bytes(), { ...clear('shared.txt'), accessLevel: 'shared', sharedWith }),
  )
  items.set(
    'organization',
    await store.clear(bytes(), { ...clear('org.txt'), accessLevel: 'organization', sharedWith }),
  )
  items.set('private, encrypted', await store.sealed(plain(), { ...sealed, accessLevel: 'private' }))
  items.set(
    'organization, encrypted',
    await store.sealed(plain(), { ...sealed, accessLevel: 'organization', sharedWith }),
  )

  const before = [recipient.publicKey, removed.publicKey]
  items.set(
    'withdrawn',
    await store.sealed(plain(), { ...sealed, accessLevel: 'shared', sharedWith: before }),
  )
  items.set(
    'shared, encrypted',
    await store.sealed(plain(), { ...sealed, accessLevel: 'shared', sharedWith }),
  )
  items.set('in the trash', await store.clear(bytes(), { ...clear('gone.txt'), accessLevel: 'public' }))
  for (const [kind, { row }] of items) ids.set(kind, row.mediaId)
  await node.library.remove([idOf('in the trash')])
  revocations.set(
    idOf('withdrawn'),
    signRevocation(
      { mediaId: idOf('withdrawn'), supersededBy: idOf('shared, encrypted'), atMs: Date.now() },
      publisher,
    ),
  )
  ids.set('nobody’s', 'ab'.repeat(32))
  ids.set('no id', 'AB')

  const signers = { stranger, recipient, removed, publisher }
  await node.index()
  for (const [name, one] of Object.entries(signers)) tokens.set(name as Reader, await logIn(node.url, one))
  tokens.set('owner', node.ownerToken)
})
afterAll(() => node.stop())

function idOf(kind: Kind): string {
  const id = ids.get(kind)
  if (id === undefined) throw new Error(`there is no item that is ${kind}`)
  return id
}

function headersFor(reader: Reader): Record<string, string> {
  const token = tokens.get(reader)
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function urlOf(route: string, id: string): string {
  const path = route.replace(/^\w+ /, '')
  return path === '/media/manifest' ? `${node.url}${path}?id=${id}` : node.url + path.replace(':mediaId', id)
}

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
    const { paths } = json(await ask(`${node.url}/openapi.json`)) as { paths: Record<string, object> }
    for (const route of Object.keys(EXPECTED)) {
      const [method = '', path = ''] = route.split(' ')
      expect(paths[path.replace(/:(\w+)/, '{$1}')]).toHaveProperty(method.toLowerCase())
    }
  })

  it.each(ITEM_ROUTES)('$route of what is $kind', async ({ route, kind, row }) => {
    const url = urlOf(route, idOf(kind))
    const all = async (init: object): Promise<number[]> => {
      const statuses: number[] = []
      for (const reader of READERS) {
        const answer = await ask(url, {
          ...init,
          headers: { ...headersFor(reader), ...(init as { headers?: object }).headers },
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
    const headers = headersFor(reader)
    const data = randomBytes(9).toString('base64')
    const proof = { publicKey: stranger.publicKey, challenge: 'x'.repeat(72), signature: 'x'.repeat(86) }
    const answers: Record<string, Answer> = {
      'POST /api/media/upload': await post(
        `${node.url}/api/media/upload`,
        { source: 'base64', data },
        headers,
      ),
      'GET /get': await ask(`${node.url}/get?soul=media:${'ef'.repeat(32)}`, { headers }),
      'POST /media/manifest': await post(`${node.url}/media/manifest`, { id: 'none' }, headers),
      'POST /media/presence': await post(
        `${node.url}/media/presence`,
        { mediaId: 'ef'.repeat(32), peerId: 'oip-peer' },
        headers,
      ),
      'POST /put': await post(
        `${node.url}/put`,
        { soul: `media:${'ee'.repeat(32)}`, data: { id: 'ee'.repeat(32) } },
        headers,
      ),
      'POST /api/auth/challenge': await post(
        `${node.url}/api/auth/challenge`,
        { publicKey: stranger.publicKey },
        headers,
      ),
      'POST /api/auth/token': await post(`${node.url}/api/auth/token`, proof, headers),
      'GET /api/search': await ask(`${node.url}/api/search`, { headers }),
      'GET /api/records': await ask(`${node.url}/api/records?storage=gun&recordType=media`, { headers }),
      'GET /health': await ask(`${node.url}/health`, { headers }),
      'GET /openapi.json': await ask(`${node.url}/openapi.json`, { headers }),
    }
    for (const [route, row] of Object.entries(EXPECTED)) {
      if (Array.isArray(row))
        expect([route, answers[route]?.status]).toEqual([route, (row as unknown as Row)[at]])
    }
    const health = json(answers['GET /health'] ?? (await ask(node.url))) as object
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
        const headers = headersFor(reader)
        const answer = await ask(urlOf(route, idOf(kind)), { headers })
        const absent = await ask(urlOf(route, 'cd'.repeat(32)), { headers })
        expect(withoutDate(answer)).toEqual(withoutDate(absent))
      }
    }
  })

  it('is looked up like an id that nobody has: the same questions, the same number of them', async () => {
    const asked: string[] = []
    const get = node.library.get.bind(node.library)
    const lookUp = revocations.get.bind(revocations)
    node.library.get = (mediaId, options) => {
      asked.push(`get ${options?.isTrashIncluded ?? false}`)
      return get(mediaId, options)
    }
    revocations.get = (mediaId) => {
      asked.push('revocation')
      return lookUp(mediaId)
    }
    const others = (['manifest', 'metainfo', 'openFile'] as const).map((name) => {
      const original = node.library[name]
      node.library[name] = ((...args: [string]) => {
        asked.push(name)
        return (original as (...rest: [string]) => unknown).apply(node.library, args)
      }) as never
      return () => (node.library[name] = original as never)
    })
    const questionsFor = async (id: string, reader: Reader): Promise<string[]> => {
      asked.length = 0
      await ask(`${node.url}/media/${id}`, { headers: headersFor(reader) })
      return [...asked]
    }
    try {
      for (const reader of ['anonymous', 'stranger'] as const) {
        const absent = await questionsFor(idOf('nobody’s'), reader)
        expect(absent).toHaveLength(3)
        for (const kind of [
          'private',
          'private, encrypted',
          'shared, encrypted',
          'withdrawn',
          'in the trash',
        ] as const) {
          expect(await questionsFor(idOf(kind), reader)).toEqual(absent)
        }
      }
    } finally {
      node.library.get = get
      revocations.get = lookUp
      for (const restore of others) restore()
    }
  })
})

describe('a search', () => {
  interface Found {
    readonly items: { mediaId: string; name: string; mime: string; httpUrl?: string }[]
    readonly cursor?: string
  }
  const search = async (query: string, reader: Reader): Promise<Found> =>
    json(await ask(`${node.url}/api/search?${query}`, { headers: headersFor(reader) })) as Found

  it.each(READERS)('shows %s exactly what they may know of, page by page', async (reader) => {
    const at = READERS.indexOf(reader)
    const theirs = [...items.keys()].filter((kind) => KNOWN[kind][at] === 200).map(idOf)
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await search(`limit=1&cursor=${cursor}`, reader)
      seen.push(...page.items.map(({ mediaId }) => mediaId))
      for (const { mediaId, httpUrl } of page.items) expect(httpUrl).toBe(`${node.url}/media/${mediaId}`)
      cursor = page.cursor ?? ''
    } while (cursor !== '')
    expect(seen.toSorted()).toEqual(theirs.toSorted())

    const records = json(
      await ask(`${node.url}/api/records?storage=gun&recordType=media&limit=100`, {
        headers: headersFor(reader),
      }),
    ) as { totalRecords: number; records: { oip: { did: string } }[]; auth: { authenticated: boolean } }
    expect(records.records.map(({ oip }) => oip.did).toSorted()).toEqual(
      theirs.map((id) => `did:gun:media:${id}`).toSorted(),
    )
    expect(records.totalRecords).toBe(theirs.length)
    expect(records.auth.authenticated).toBe(reader !== 'anonymous')
  })

  it.each(READERS)(
    'finds what is sealed by its name for the node’s owner alone, not for %s',
    async (reader) => {
      const isOwner = reader === 'owner'
      for (const query of [`q=${CANARY}`, 'q=canary', 'type=image']) {
        const { items: found } = await search(query, reader)
        expect(found.length > 0).toBe(isOwner)
      }
      const all = await search('limit=100', reader)
      expect(JSON.stringify(all).includes(CANARY)).toBe(isOwner)
      expect(JSON.stringify(all).includes('image/gif')).toBe(isOwner)
    },
  )

  it('gives OIP’s form with what the manifest says', async () => {
    const { row } = items.get('public') ?? ({} as never)
    const answer = await ask(`${node.url}/api/records?storage=gun&recordType=media&search=publ`)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    expect(json(answer)).toMatchObject({
      searchResults: 1,
      records: [
        {
          oip: { did: `did:gun:media:${row.mediaId}`, storage: 'gun', recordType: 'media' },
          data: {
            basic: { name: 'public.txt' },
            media: {
              id: row.mediaId,
              mime: 'text/plain',
              size: 1000,
              transport: { http: [`${node.url}/media/${row.mediaId}`] },
            },
            accessControl: { access_level: 'public', owner_public_key: publisher.publicKey },
          },
        },
      ],
    })
    for (const query of ['storage=arweave', 'recordType=post']) {
      expect(json(await ask(`${node.url}/api/records?${query}`))).toMatchObject({
        records: [],
        totalRecords: 0,
      })
    }
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'type=pdf',
    'access=all',
    'owner=me',
    'cursor=x',
    `q=${'x'.repeat(201)}`,
  ])('refuses %s and says which parameter it is', async (query) => {
    const answer = await ask(`${node.url}/api/search?${query}`)
    expect(answer.status).toBe(400)
    expect(json(answer)).toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('refuses numbered pages rather than giving the first one again and again', async () => {
    expect((await ask(`${node.url}/api/records?page=2`)).status).toBe(400)
  })
})

describe('what is encrypted', () => {
  const KINDS = ['private, encrypted', 'shared, encrypted', 'organization, encrypted'] as const

  it.each(KINDS)('leaves as ciphertext whoever asks, and says nothing of what is in it: %s', async (kind) => {
    const { stored, row } = items.get(kind) ?? ({} as never)
    for (const [index, reader] of READERS.entries()) {
      if (KNOWN[kind][index] !== 200) continue
      const headers = headersFor(reader)
      const answer = await ask(`${node.url}/media/${row.mediaId}`, { headers })
      expect(answer.body.equals(stored)).toBe(true)
      expect(answer.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${row.mediaId}"`,
        'cache-control': 'private, no-store',
      })
      const texts = [
        answer.rawHeaders.join('\n'),
        (await ask(`${node.url}/media/manifest?id=${row.mediaId}`, { headers })).body.toString(),
        (await ask(`${node.url}/api/media/${row.mediaId}/torrent`, { headers })).body.toString('latin1'),
      ]
      for (const text of texts) expect(text).not.toMatch(new RegExp(`${CANARY}|image/gif`))
    }
  })

  it('shows its sealed name to the node’s owner alone', async () => {
    const infoFor = async (reader: Reader): Promise<unknown> =>
      json(
        await ask(`${node.url}/api/media/${idOf('shared, encrypted')}/info`, { headers: headersFor(reader) }),
      )
    const neutral = { originalName: 'Encrypted item', mimeType: 'application/octet-stream', encrypted: true }
    expect(await infoFor('recipient')).toMatchObject(neutral)
    expect(JSON.stringify(await infoFor('recipient'))).not.toContain(CANARY)
    expect(await infoFor('publisher')).toMatchObject(neutral)
    expect(await infoFor('owner')).toMatchObject({
      originalName: `${CANARY}.gif`,
      mimeType: 'image/gif',
      encrypted: true,
    })
  })
})

describe('what was withdrawn', () => {
  it('says so in its owner’s signed words', async () => {
    const answer = await ask(`${node.url}/media/${idOf('withdrawn')}`, { headers: headersFor('removed') })
    expect(json(answer)).toMatchObject({
      code: 'WITHDRAWN',
      status: 410,
      revocation: revocations.get(idOf('withdrawn')),
    })
  })

  it('goes on saying so when it is thrown away, to those who may read what took its place', async () => {
    await node.library.remove([idOf('withdrawn')])
    const statuses: number[] = []
    for (const reader of READERS) {
      statuses.push(
        (await ask(`${node.url}/media/${idOf('withdrawn')}`, { headers: headersFor(reader) })).status,
      )
    }
    expect(statuses).toEqual(WITHDRAWN)
  })
})
