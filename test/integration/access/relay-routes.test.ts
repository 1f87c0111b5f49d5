import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { canonicalJson } from '../../../app/manifest/index.ts'
import { pageQuestion } from '../../../app/network/list-page.ts'
import { frozenKey } from '../../../app/network/sea.ts'
import { ask, json, startTestNode } from '../http/test-node.ts'
import type { Answer, TestNode } from '../http/test-node.ts'
import { StockClient } from '../../support/gun-relay.ts'
import { makeManifest, makeRevocation, makeSharedManifest } from '../../support/network-items.ts'
import { poll } from '../../support/network-world.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { logIn, post } from './login.ts'

const publisher = testSigner(7)
const other = testSigner(10)
let node: TestNode
let client: StockClient
let publisherToken: string
const closers: (() => Promise<void>)[] = []

beforeAll(async () => {
  const dir = await tempDir()
  closers.push(async () => dir[Symbol.asyncDispose]())
  node = await startTestNode({ isNetworked: true })
  closers.push(() => node.stop())
  client = await StockClient.start(`${node.url}/gun`, dir.path)
  closers.push(() => client.stop())
  publisherToken = await logIn(node.url, publisher)
})
afterAll(async () => {
  for (const close of closers.toReversed()) await close()
})

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
const send = (path: string, body: object, token = node.ownerToken): Promise<Answer> =>
  post(node.url + path, body, bearer(token))
const manifestOf = (id: string, token?: string): Promise<Answer> =>
  ask(`${node.url}/media/manifest?id=${id}`, token === undefined ? {} : { headers: bearer(token) })
const get = (soul: string, token?: string): Promise<Answer> =>
  ask(
    `${node.url}/get?soul=${encodeURIComponent(soul)}`,
    token === undefined ? {} : { headers: bearer(token) },
  )
/** What a peer at /gun is told who asks for everything a node holds. */
async function rangeOf(soul: string): Promise<string> {
  const socket = new WebSocket(`${node.url.replace('http', 'ws')}/gun`)
  await once(socket, 'open')
  let heard = ''
  socket.on('message', (data: Buffer) => (heard += data.toString()))
  const wanted = [{ get: { '#': soul, '.': { '*': '' } } }, { get: { '#': soul } }, pageQuestion(soul, 'zz')]
  // GUN answers no id twice.
  for (const question of wanted)
    socket.send(JSON.stringify({ '#': randomBytes(6).toString('hex'), ...question }))
  await new Promise((resolve) => setTimeout(resolve, 700))
  socket.terminate()
  return heard
}
const idOf = (name: string): string => createHash('sha256').update(name).digest('hex')

describe('POST /media/manifest', () => {
  it('gives what is shared to those who know its id and may read it, and lists it nowhere', async () => {
    const shared = await makeSharedManifest(publisher, 'shared.mp4')
    const shown = makeManifest(publisher, 'shown.mp4')
    for (const manifest of [shared, shown])
      expect(json(await send('/media/manifest', manifest, publisherToken))).toMatchObject({ published: true })
    expect(json(await manifestOf(shared.id, publisherToken))).toEqual(shared)
    expect((await manifestOf(shared.id)).status).toBe(404)
    expect((await client.once([`media:${shared.id}`]))?.['id']).toBe(shared.id)
    for (const soul of ['media', '#media']) {
      const listed = (await get(soul)).body.toString()
      expect(listed).toContain(shown.id)
      expect(listed).not.toContain(shared.id)
      expect(await rangeOf(soul)).not.toContain(shared.id)
    }
    // Frozen versions are given by their hash, and to nobody all at once.
    expect(await rangeOf('#media')).not.toContain(shown.id)
    expect(await client.once(['#media', frozenKey(canonicalJson(shown))])).toBe(canonicalJson(shown))
  })

  it('believes, indexes and publishes what its sender signed, so that stock GUN clients read it', async () => {
    const manifest = makeManifest(publisher, 'signed.mp4')
    const answer = await send('/media/manifest', manifest, publisherToken)
    expect(json(answer)).toEqual({
      success: true,
      mediaId: manifest.id,
      soul: `media:${manifest.id}`,
      signed: true,
      published: true,
    })
    expect(json(await manifestOf(manifest.id))).toEqual(manifest)
    const read = await client.once([`media:${manifest.id}`])
    expect(JSON.parse(String(read?.['manifest']))).toEqual(manifest)
    expect(await client.map(['media'])).toContainEqual(expect.objectContaining({ id: manifest.id }))
  })

  it('takes OIP’s media.id, and lists as JSON in strings, one layer or two', async () => {
    const nested = makeManifest(publisher, 'nested.mp4')
    expect((await send('/media/manifest', { media: nested }, publisherToken)).status).toBe(200)
    expect(json(await manifestOf(nested.id))).toEqual(nested)
    const listed = makeManifest(publisher, 'listed.mp4')
    const transport = structuredClone(listed.transport) as { bittorrent: { trackers: unknown } }
    transport.bittorrent.trackers = JSON.stringify(transport.bittorrent.trackers)
    for (const body of [
      { ...listed, transport },
      { ...listed, transport: JSON.stringify(transport), oip: JSON.stringify(listed.oip) },
    ]) {
      expect((await send('/media/manifest', body, publisherToken)).status).toBe(200)
      expect(json(await manifestOf(listed.id))).toEqual(listed)
    }
  })

  it('refuses a signature that does not hold, whoever sends it, and keeps nothing of it', async () => {
    const forged = { ...makeManifest(publisher, 'forged.mp4'), size: 7 }
    for (const token of [publisherToken, node.ownerToken]) {
      const answer = await send('/media/manifest', forged, token)
      expect([answer.status, json(answer)]).toMatchObject([422, { code: 'SIGNATURE_INVALID' }])
    }
    expect((await manifestOf(forged.id, node.ownerToken)).status).toBe(404)
    expect((await get(`media:${forged.id}`, node.ownerToken)).status).toBe(404)
  })

  it('refuses another’s, an older one, and one that was withdrawn', async () => {
    const first = makeManifest(publisher, 'versions.mp4')
    const second = makeManifest(publisher, 'versions.mp4', { previous: first, name: 'second.mp4' })
    expect((await send('/media/manifest', first, node.ownerToken)).status).toBe(403)
    expect((await send('/media/manifest', second, publisherToken)).status).toBe(200)
    expect((await send('/media/manifest', first, publisherToken)).status).toBe(409)
    expect(json(await manifestOf(first.id))).toEqual(second)
    await node.network.withdraw(makeRevocation(publisher, first.id))
    expect((await send('/media/manifest', second, publisherToken)).status).toBe(410)
    const gone = await manifestOf(first.id)
    expect([gone.status, json(gone)]).toMatchObject([
      410,
      { code: 'WITHDRAWN', revocation: { mediaId: first.id } },
    ])
  })

  it('keeps what is private to those who may read it, and tells nobody else', async () => {
    const hidden = makeManifest(publisher, 'hidden.mp4', { accessLevel: 'private' })
    expect(json(await send('/media/manifest', hidden, publisherToken))).toMatchObject({
      success: true,
      published: false,
    })
    const strangers = await logIn(node.url, other)
    const statuses = [undefined, strangers, publisherToken, node.ownerToken].map((token) =>
      manifestOf(hidden.id, token),
    )
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([404, 404, 200, 200])
    const { headers: _a, ...absent } = await manifestOf('cd'.repeat(32))
    const { headers: _b, ...kept } = await manifestOf(hidden.id)
    expect({ ...kept, rawHeaders: [] }).toEqual({ ...absent, rawHeaders: [] })
    expect(await client.once([`media:${hidden.id}`])).toBeNull()
  })

  it('tells strangers nothing of what is private here, whatever the network says of it', async () => {
    const { mediaId } = await node.add(randomBytes(60), { accessLevel: 'private' })
    // As public as it was before, or as somebody else with the same file makes it.
    const shown = makeManifest(publisher, 'held', { mediaId })
    expect(json(await send('/media/manifest', shown, publisherToken))).toMatchObject({ published: true })
    const strangers = await logIn(node.url, other)
    for (const token of [undefined, strangers]) {
      const answers = [
        await manifestOf(mediaId, token),
        ...(await Promise.all(
          [`media:${mediaId}`, `media:${mediaId}:peers`].map((soul) => get(soul, token)),
        )),
      ]
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
    }
    expect((await manifestOf(mediaId, node.ownerToken)).status).toBe(200)
    // A whole list leads to it no more than its own name.
    const listed = json(await get('media')) as { data: Record<string, unknown> }
    expect(Object.keys(listed.data)).not.toContain(mediaId)
    // In the trash it is still nobody else's to know of.
    await node.library.remove([mediaId])
    expect((await manifestOf(mediaId)).status).toBe(404)
  })

  it('takes OIP’s unsigned ones of public items from the node’s owner, as hints', async () => {
    const id = idOf('oip')
    const oip = {
      media: {
        id,
        mime: 'image/gif',
        size: 10,
        originalName: 'dot.gif',
        transport: { bittorrent: { infoHash: 'a'.repeat(40) }, http: ['https://oip.example/media/x'] },
        accessControl: { access_level: 'public', owner_public_key: other.publicKey },
      },
    }
    expect((await send('/media/manifest', oip, publisherToken)).status).toBe(403)
    expect(json(await send('/media/manifest', oip))).toMatchObject({
      success: true,
      signed: false,
      published: true,
    })
    expect(json(await manifestOf(id))).toMatchObject({
      id,
      name: 'dot.gif',
      signed: false,
      transport: { http: ['https://oip.example/media/x'] },
    })
    const level = {
      ...oip,
      media: { ...oip.media, id: idOf('oip-private'), accessControl: { access_level: 'private' } },
    }
    expect((await send('/media/manifest', level)).status).toBe(403)
    expect(
      (await send('/media/manifest', { media: { ...oip.media, accessControl: undefined } })).status,
    ).toBe(403)
    expect((await send('/media/manifest', { name: 'no id' })).status).toBe(400)
  })
})

describe('POST /put and GET /get', () => {
  it('write and read OIP’s records: metadata away, data and oip parsed, links resolved one level', async () => {
    const id = idOf('record')
    const soul = `${'0a'.repeat(6)}:media_${id}`
    const data = { basic: { name: 'A film' }, accessControl: { access_level: 'public' }, tags: '["a","b"]' }
    const record = {
      data: JSON.stringify(data),
      oip: JSON.stringify({ ver: '0.8.0' }),
      meta: { localId: 'x' },
      tags: ['a'],
    }
    expect(json(await send('/put', { soul, data: record }))).toEqual({ success: true, soul })
    expect(json(await get(soul))).toEqual({
      success: true,
      data: { data, oip: { ver: '0.8.0' }, meta: '{"localId":"x"}', tags: '["a"]' },
    })
    expect(await client.once([soul])).toMatchObject({ tags: '["a"]' })
    await client.put([`media:${id}`], { id, accessControl: { access_level: 'public' }, mime: 'a/b' })
    expect(json(await get(`media:${id}`))).toEqual({
      success: true,
      data: { id, mime: 'a/b', accessControl: { access_level: 'public' } },
    })
  })

  it('answer 404 soon for what is not there', async () => {
    const startedAtMs = performance.now()
    expect((await get(`media:${'9'.repeat(64)}`)).status).toBe(404)
    expect(performance.now() - startedAtMs).toBeLessThan(1_500)
    expect((await get('anything:else')).status).toBe(400)
  })

  it('refuse what has no place, is too large, is signed by others, or is not public', async () => {
    const id = idOf('refused')
    const soul = `media:${id}`
    const statuses = async (...bodies: object[]): Promise<number[]> =>
      (await Promise.all(bodies.map((body) => send('/put', body)))).map(({ status }) => status)
    expect(
      await statuses(
        { soul: 'toString', data: { a: 1 } },
        { soul, data: {} },
        { soul, data: { __proto__: 1 } },
        { soul },
        { soul: '#media', data: { x: 'y' } },
        {
          soul: `~${'a'.repeat(43)}.${'b'.repeat(43)}/media/${id}`,
          data: { id },
        },
      ),
    ).toEqual([400, 400, 400, 400, 400, 400])
    expect(
      await statuses(
        { soul, data: { big: 'x'.repeat(17_000) } },
        { soul, data: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 1])) },
        { soul, data: { big: 'x'.repeat(300_000) } },
      ),
    ).toEqual([413, 413, 413])
    expect(
      await statuses(
        { soul, data: { id, access_level: 'private' } },
        {
          soul: `${'0b'.repeat(6)}:media_${id}`,
          data: { data: JSON.stringify({ accessControl: { access_level: 'shared' } }) },
        },
        { soul: `media:nodes:${'1'.repeat(40)}`, data: { peerId: 'x' } },
        { soul: `${soul}:peers:${'1'.repeat(40)}`, data: { peerId: 'x' } },
      ),
    ).toEqual([403, 403, 403, 403])
    expect(await client.once([soul])).toBeNull()
  })

  it('tell nothing of the library’s private items, and leave its public ones to the node', async () => {
    const kept = await node.add(randomBytes(50), { accessLevel: 'private' })
    const shown = await node.add(randomBytes(50), { accessLevel: 'public' })
    const soul = `media:${kept.mediaId}`
    // Somebody else may write there all the same.
    await client.put([soul], { id: kept.mediaId, access_level: 'public', mime: 'a/b' })
    expect((await get(soul)).status).toBe(404)
    expect((await get(soul, publisherToken)).status).toBe(404)
    expect((await get(soul, node.ownerToken)).status).toBe(200)
    expect((await send('/put', { soul, data: { id: kept.mediaId } })).status).toBe(403)
    expect((await send('/media/presence', { mediaId: kept.mediaId, peerId: 'oip' })).status).toBe(403)
    expect((await send('/put', { soul: `media:${shown.mediaId}`, data: { id: 'x' } })).status).toBe(409)
  })

  it('show what says nothing of who may read it to the node’s owner alone', async () => {
    const id = idOf('says nothing')
    await send('/put', { soul: `media:${id}`, data: { id, mime: 'a/b' } })
    expect((await get(`media:${id}`)).status).toBe(404)
    expect((await get(`media:${id}`, node.ownerToken)).status).toBe(200)
  })
})

describe('POST /media/presence', () => {
  it('always answers, also without protocols and endpoints', async () => {
    const mediaId = idOf('present')
    expect(json(await send('/media/presence', { mediaId }))).toEqual({ success: true, signed: true })
    expect(json(await send('/media/presence', { mediaId, peerId: 'oip-node' }))).toEqual({
      success: true,
      signed: false,
    })
    const read = await client.once([`media:${mediaId}:peers:oip-node`])
    expect(read).toMatchObject({ peerId: 'oip-node', protocols: '[]', endpoints: '[]' })
    const named = {
      protocols: { bittorrent: true, http: true },
      endpoints: { http: 'https://oip.example/x' },
    }
    expect(json(await send('/media/presence', { mediaId, ...named }))).toEqual({
      success: true,
      signed: true,
    })
    await send('/media/presence', { mediaId, peerId: 'oip-named', ...named })
    expect(await client.once([`media:${mediaId}:peers:oip-named`])).toMatchObject({
      protocols: '{"bittorrent":true,"http":true}',
      endpoints: '{"http":"https://oip.example/x"}',
    })
    expect((await send('/media/presence', { mediaId, protocols: { http: 'yes' } })).status).toBe(400)
    // Whoever is asked has little time to answer.
    const present = await poll(
      () => node.network.presenceOf(mediaId),
      ({ unsigned }) => unsigned === 2,
    )
    expect(present.fresh).toBe(0)
    expect((await send('/media/presence', { mediaId, peerId: '1'.repeat(40) })).status).toBe(403)
    expect((await send('/media/presence', { mediaId: 'x' })).status).toBe(400)
  })
})
