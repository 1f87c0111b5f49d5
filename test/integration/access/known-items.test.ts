import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, json } from '../http/test-node.ts'
import { CANARY, KNOWN, openAccessNode, publisher, READERS, WITHDRAWN } from '../../support/access-node.ts'
import type { AccessNode, Reader } from '../../support/access-node.ts'

let access: AccessNode
beforeAll(async () => {
  access = await openAccessNode()
})
afterAll(() => access.node.stop())

describe('a search', () => {
  interface Found {
    readonly items: { mediaId: string; name: string; mime: string; httpUrl?: string }[]
    readonly cursor?: string
  }
  const search = async (query: string, reader: Reader): Promise<Found> =>
    json(await ask(`${access.node.url}/api/search?${query}`, { headers: access.headersFor(reader) })) as Found

  it.each(READERS)('shows %s exactly what they may know of, page by page', async (reader) => {
    const at = READERS.indexOf(reader)
    const theirs = [...access.items.keys()].filter((kind) => KNOWN[kind][at] === 200).map(access.idOf)
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await search(`limit=1&cursor=${cursor}`, reader)
      seen.push(...page.items.map(({ mediaId }) => mediaId))
      for (const { mediaId, httpUrl } of page.items)
        expect(httpUrl).toBe(`${access.node.url}/media/${mediaId}`)
      cursor = page.cursor ?? ''
    } while (cursor !== '')
    expect(seen.toSorted()).toEqual(theirs.toSorted())

    const records = json(
      await ask(`${access.node.url}/api/records?storage=gun&recordType=media&limit=100`, {
        headers: access.headersFor(reader),
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
    const { row } = access.items.get('public') ?? ({} as never)
    const answer = await ask(`${access.node.url}/api/records?storage=gun&recordType=media&search=publ`)
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
              transport: { http: [`${access.node.url}/media/${row.mediaId}`] },
            },
            accessControl: { access_level: 'public', owner_public_key: publisher.publicKey },
          },
        },
      ],
    })
    for (const query of ['storage=arweave', 'recordType=post']) {
      expect(json(await ask(`${access.node.url}/api/records?${query}`))).toMatchObject({
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
    const answer = await ask(`${access.node.url}/api/search?${query}`)
    expect(answer.status).toBe(400)
    expect(json(answer)).toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('refuses numbered pages rather than giving the first one again and again', async () => {
    expect((await ask(`${access.node.url}/api/records?page=2`)).status).toBe(400)
  })
})

describe('what is encrypted', () => {
  const KINDS = ['private, encrypted', 'shared, encrypted', 'organization, encrypted'] as const

  it.each(KINDS)('leaves as ciphertext whoever asks, and says nothing of what is in it: %s', async (kind) => {
    const { stored, row } = access.items.get(kind) ?? ({} as never)
    for (const [index, reader] of READERS.entries()) {
      if (KNOWN[kind][index] !== 200) continue
      const headers = access.headersFor(reader)
      const answer = await ask(`${access.node.url}/media/${row.mediaId}`, { headers })
      expect(answer.body.equals(stored)).toBe(true)
      expect(answer.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${row.mediaId}"`,
        'cache-control': 'private, no-store',
      })
      const texts = [
        answer.rawHeaders.join('\n'),
        (await ask(`${access.node.url}/media/manifest?id=${row.mediaId}`, { headers })).body.toString(),
        (await ask(`${access.node.url}/api/media/${row.mediaId}/torrent`, { headers })).body.toString(
          'latin1',
        ),
      ]
      for (const text of texts) expect(text).not.toMatch(new RegExp(`${CANARY}|image/gif`))
    }
  })

  it('shows its sealed name to the node’s owner alone', async () => {
    const infoFor = async (reader: Reader): Promise<unknown> =>
      json(
        await ask(`${access.node.url}/api/media/${access.idOf('shared, encrypted')}/info`, {
          headers: access.headersFor(reader),
        }),
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
    const answer = await ask(`${access.node.url}/media/${access.idOf('withdrawn')}`, {
      headers: access.headersFor('removed'),
    })
    expect(json(answer)).toMatchObject({
      code: 'WITHDRAWN',
      status: 410,
      revocation: access.revocations.get(access.idOf('withdrawn')),
    })
  })

  it('goes on saying so when it is thrown away, to those who may read what took its place', async () => {
    await access.node.library.remove([access.idOf('withdrawn')])
    const statuses: number[] = []
    for (const reader of READERS) {
      statuses.push(
        (
          await ask(`${access.node.url}/media/${access.idOf('withdrawn')}`, {
            headers: access.headersFor(reader),
          })
        ).status,
      )
    }
    expect(statuses).toEqual(WITHDRAWN)
  })
})
