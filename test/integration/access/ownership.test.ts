import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, json, startTestNode } from '../http/test-node.ts'
import type { TestNode } from '../http/test-node.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { storePlain } from './items.ts'
import { logIn, post } from './login.ts'

const alice = testSigner(7)
let node: TestNode

beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.stop())

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('somebody else adding the same bytes', () => {
  it.each(['public', 'private'] as const)('takes over nothing of what is %s', async (accessLevel) => {
    const bytes = randomBytes(70_000)
    const { row, manifest } = await storePlain(node, bytes, { signer: alice, name: 'alice.bin', accessLevel })
    const file = node.folder.paths(row.mediaId).manifest
    const before = await readFile(file, 'utf8')

    const levels = ['public', 'private'] as const
    for (const access_level of levels) {
      const answer = await post(
        `${node.url}/api/media/upload`,
        { source: 'base64', data: bytes.toString('base64'), name: 'mine.bin', access_level },
        bearer(node.ownerToken),
      )
      expect(answer.status).toBe(200)
      expect(json(answer)).toMatchObject({
        isDuplicate: true,
        mediaId: row.mediaId,
        owner: alice.publicKey,
        access_level: accessLevel,
        originalName: 'alice.bin',
      })
      await node.add(bytes, { name: 'mine.bin', accessLevel: access_level })
    }
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(node.library.get(row.mediaId)).toEqual(row)
    expect(await node.library.manifest(row.mediaId)).toEqual(manifest)
  })

  it('does not keep its publisher from what they published', async () => {
    const bytes = randomBytes(3000)
    const { row } = await storePlain(node, bytes, {
      signer: alice,
      name: 'alice.bin',
      accessLevel: 'private',
    })
    await node.add(bytes)
    const headers = bearer(await logIn(node.url, alice))
    expect((await ask(`${node.url}/media/${row.mediaId}`, { headers })).body.equals(bytes)).toBe(true)
    expect((await ask(`${node.url}/media/${row.mediaId}`)).status).toBe(404)
  })

  it('does not make them its publisher, nor a reader of the rest of what they published', async () => {
    const bytes = randomBytes(4000)
    const mine = await node.add(bytes, { accessLevel: 'private' })
    const headers = bearer(await logIn(node.url, alice))
    expect((await ask(`${node.url}/media/${mine.mediaId}`, { headers })).status).toBe(404)
    expect(node.library.get(mine.mediaId)?.owner).toBe(node.owner)
  })
})
