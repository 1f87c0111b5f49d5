import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engineCalls } from '../../../app/contract/index.ts'
import type { EngineArgs, EngineCallName, EngineHandlers, MediaId } from '../../../app/contract/index.ts'
import { ControlRoutes } from '../../../app/http/control-routes.ts'
import { openApiDocument } from '../../../app/http/openapi.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { ask, startTestNode, TEST_PAIR } from '../http/test-node.ts'
import type { Answer, TestNode } from '../http/test-node.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { storeEncrypted, storePlain } from './items.ts'
import { logIn, post } from './login.ts'

const ID = 'ab'.repeat(32) as MediaId
const PERSON = `02${'aa'.repeat(32)}`
const alice = testSigner(7)

/** Something every call takes: a new call does not compile without. */
const ARGS: { readonly [N in EngineCallName]: EngineArgs<N> } = {
  'library.list': {},
  'library.position': { mediaId: ID },
  'library.get': { mediaId: ID },
  'library.add': { paths: ['/x'] },
  'library.remove': { mediaIds: [ID] },
  'library.restore': { mediaIds: [ID] },
  'library.setSeeding': { mediaIds: [ID], isSeedingWanted: true },
  'library.setAccess': { mediaId: ID, accessLevel: 'public' },
  'library.verify': { mediaIds: [ID] },
  'library.saveCopy': { mediaId: ID, path: '/x' },
  'library.playUrl': { mediaId: ID },
  'library.rebuild': {},
  'transfers.list': {},
  'transfers.pause': { id: 'x' },
  'transfers.resume': { id: 'x' },
  'transfers.retry': { id: 'x' },
  'transfers.cancel': { id: 'x' },
  'transfers.dismiss': {},
  'fetching.start': { link: 'x' },
  'fetching.inspect': { link: 'x' },
  'sharing.link': { mediaId: ID, withKey: true },
  'sharing.people': { mediaId: ID },
  'sharing.openWithLit': { mediaId: ID },
  'sharing.addPeople': { mediaId: ID, people: [PERSON] },
  'sharing.setConditions': {
    mediaId: ID,
    rule: { kind: 'wallet', chain: 'ethereum', address: `0x${'ab'.repeat(20)}` },
  },
  'sharing.removePeople': { mediaId: ID, people: [PERSON] },
  'sharing.encrypt': { mediaId: ID },
  'sharing.rotateAll': {},
  'sharing.requestAccess': { mediaId: ID },
  'fetching.setPriority': { id: 'x', priority: 'high' },
  'discovery.search': {},
  'discovery.item': { id: ID },
  'discovery.copies': { mediaIds: [ID] },
  'discovery.publisher': { publisher: PERSON },
  'discovery.refresh': {},
  'following.list': {},
  'following.add': { publisher: PERSON },
  'following.remove': { pub: 'x' },
  'seeding.pause': {},
  'seeding.resume': {},
  'vault.token': {},
  'vault.unlock': {},
  'vault.create': {},
  'vault.reveal': {},
  'vault.askWords': {},
  'vault.confirmWords': { answers: [1, 2, 3].map((position) => ({ position, word: 'x' })) },
  'vault.exportBackup': { password: 'long enough' },
  'vault.backupSaved': {},
  'vault.restore': { from: 'words', words: 'x' },
  'vault.card': {},
  'contacts.list': {},
  'contacts.add': { card: 'x' },
  'contacts.rename': { owner: PERSON, name: 'x' },
  'contacts.remove': { owner: PERSON },
  'settings.get': {},
  'settings.set': {},
  'node.status': {},
  'node.dismissNotice': { id: 'x' },
}

/** Who may call: the holder of the control token and nobody else, whatever they may read. */
const CALLERS = [
  'nobody',
  'with a wrong token',
  'a reader',
  'the owner, by their node token',
  'from another site',
  'the control token',
] as const
type Caller = (typeof CALLERS)[number]
type Row = readonly [number, number, number, number, number, number]
const TOKEN_ONLY: Row = [401, 401, 401, 401, 403, 200]

/** Every route of the control listener; those of media by item, those of calls by call. */
const EXPECTED: Record<string, Row> = {
  'POST /rpc/:name': TOKEN_ONLY,
  'GET /events': TOKEN_ONLY,
  'POST /events/ticket': TOKEN_ONLY,
  'GET /media/:mediaId': TOKEN_ONLY,
  'POST /media/:mediaId/ticket': TOKEN_ONLY,
  'GET /transfers/:id/media': TOKEN_ONLY,
}
/** What its holder gets of items, whose ever they are and whoever may read them elsewhere. */
const MEDIA = {
  public: 200,
  private: 200,
  'private, encrypted': 200,
  'shared, encrypted': 200,
  organization: 200,
  'encrypted for others': 403,
  'nobody’s': 404,
} as const satisfies Record<string, number>
type Kind = keyof typeof MEDIA

let node: TestNode
const reached: string[] = []
const ids = new Map<Kind, string>()
const plaintexts = new Map<Kind, Buffer>()
const headers = new Map<Caller, Record<string, string>>()

beforeAll(async () => {
  const handlers = Object.fromEntries(
    Object.keys(engineCalls).map((name) => [
      name,
      async () => {
        reached.push(name)
        return {}
      },
    ]),
  ) as unknown as EngineHandlers
  node = await startTestNode({
    handlers,
    openTransfer: async () => ({
      name: 'film.mp4',
      mime: 'video/mp4',
      sizeBytes: 3,
      async *read(start, endExclusive) {
        yield Buffer.from('abc').subarray(start, endExclusive)
      },
      close: async () => undefined,
    }),
  })
  const us = { owner: node.owner, pub: TEST_PAIR.pub, epub: TEST_PAIR.epub }
  const { pub, epub } = seaPairFromSeed(Buffer.alloc(64, 6))
  const others = { owner: PERSON, pub, epub }
  const published = { signer: alice, name: 'x.bin' }
  const put = async (
    kind: Kind,
    accessLevel: 'public' | 'private' | 'shared' | 'organization',
    recipients?: (typeof us)[],
  ) => {
    const bytes = randomBytes(70_000)
    const { row } =
      recipients === undefined
        ? await storePlain(node, bytes, { ...published, accessLevel })
        : await storeEncrypted(node, bytes, { ...published, accessLevel, sharedWith: [PERSON], recipients })
    ids.set(kind, row.mediaId)
    plaintexts.set(kind, bytes)
  }
  await put('public', 'public')
  await put('private', 'private')
  await put('private, encrypted', 'private', [us])
  await put('shared, encrypted', 'shared', [us, others])
  await put('organization', 'organization', [us, others])
  await put('encrypted for others', 'shared', [others])
  ids.set('nobody’s', ID)
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  headers.set('nobody', {})
  headers.set('with a wrong token', bearer('0'.repeat(64)))
  headers.set('a reader', bearer(await logIn(node.url, alice)))
  headers.set('the owner, by their node token', bearer(node.ownerToken))
  headers.set('from another site', { ...bearer(node.controlToken), origin: 'https://evil.example' })
  headers.set('the control token', bearer(node.controlToken))
})
afterAll(() => node.stop())
beforeEach(() => void reached.splice(0))

const headersOf = (caller: Caller): Record<string, string> => headers.get(caller) ?? {}

function idOf(kind: Kind): string {
  return ids.get(kind) ?? ''
}

describe('the routes of the control listener', () => {
  it('are the ones of the table', () => {
    // Only listed, never asked: they need nothing of what they are made of.
    const routes = new ControlRoutes({} as never).routes()
    expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
      Object.keys(EXPECTED).toSorted(),
    )
  })

  it('are described in the OpenAPI document', () => {
    const paths = openApiDocument()['paths'] as Record<string, object>
    for (const route of Object.keys(EXPECTED)) {
      const [method = '', path = ''] = route.split(' ')
      const written = path === '/rpc/:name' ? '/rpc/node.status' : path.replace(/:(\w+)/, '{$1}')
      expect(paths[written]).toHaveProperty(method.toLowerCase())
    }
  })

  it.each(Object.entries(EXPECTED))('%s', async (route, row) => {
    const [method = '', path = ''] = route.split(' ')
    const url =
      node.controlUrl +
      path
        .replace(':name', 'node.status')
        .replace(':mediaId', idOf('private, encrypted'))
        .replace(':id', 't-1')
    const statuses: number[] = []
    for (const caller of CALLERS) {
      const signal = new AbortController()
      const answer =
        method === 'POST' ? post(url, {}, headersOf(caller)) : firstOf(url, headersOf(caller), signal)
      statuses.push((await answer).status)
      signal.abort()
    }
    expect(statuses).toEqual(row)
  })

  it.each(Object.keys(engineCalls) as EngineCallName[])(
    '%s is reached with the control token alone',
    async (name) => {
      const statuses: number[] = []
      for (const caller of CALLERS) {
        const answer = await post(`${node.controlUrl}/rpc/${name}`, ARGS[name], headersOf(caller))
        statuses.push(answer.status)
        expect(reached).toEqual(caller === 'the control token' ? [name] : [])
      }
      expect(statuses).toEqual(TOKEN_ONLY)
      for (const caller of CALLERS) {
        expect((await post(`${node.url}/rpc/${name}`, ARGS[name], headersOf(caller))).status).toBe(404)
      }
      expect(reached).toEqual([name])
    },
  )

  it.each(Object.entries(MEDIA) as [Kind, number][])(
    'media that are %s: the file itself, status %i',
    async (kind, status) => {
      const statuses: number[] = []
      for (const caller of CALLERS) {
        const answer = await ask(`${node.controlUrl}/media/${idOf(kind)}`, { headers: headersOf(caller) })
        statuses.push(answer.status)
        if (answer.status === 200)
          expect(answer.body.equals(plaintexts.get(kind) ?? Buffer.alloc(0))).toBe(true)
        else expect(answer.headers['content-type']).toBe('application/problem+json')
      }
      expect(statuses).toEqual([401, 401, 401, 401, 403, status])
    },
  )
})

/** An answer's beginning: the event stream has no end. */
function firstOf(
  url: string,
  requestHeaders: Record<string, string>,
  { signal }: AbortController,
): Promise<Pick<Answer, 'status'>> {
  return fetch(url, { headers: requestHeaders, signal }).then(({ status }) => ({ status }))
}
