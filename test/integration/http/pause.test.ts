import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask, json, startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode
let isPaused = false

beforeEach(async () => {
  isPaused = false
  node = await startTestNode({ isPaused: () => isPaused })
})
afterEach(() => node.stop())

describe('while seeding is paused', () => {
  it('strangers are told to come back later, the owner is served', async () => {
    const { mediaId } = await node.add(randomBytes(5000))
    const { mediaId: privateId } = await node.add(randomBytes(5000), { accessLevel: 'private' })
    const headers = { authorization: `Bearer ${node.ownerToken}` }
    isPaused = true
    for (const path of [`/media/${mediaId}`, `/api/media/${mediaId}`, `/api/media/${mediaId}/torrent`]) {
      const answer = await ask(`${node.url}${path}`)
      expect(answer.status).toBe(503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(json(answer)).toMatchObject({ code: 'UNAVAILABLE' })
      expect((await ask(`${node.url}${path}`, { headers })).status).toBe(200)
    }
    // Whether a private item is here stays nobody's business.
    expect((await ask(`${node.url}/media/${privateId}`)).status).toBe(404)
    expect((await ask(`${node.url}/media/${privateId}`, { headers })).status).toBe(200)
    expect((await ask(`${node.url}/api/media/${mediaId}/info`)).status).toBe(200)
    const control = { headers: { authorization: `Bearer ${node.controlToken}` } }
    expect((await ask(`${node.controlUrl}/media/${mediaId}`, control)).status).toBe(200)
    isPaused = false
    expect((await ask(`${node.url}/media/${mediaId}`)).status).toBe(200)
  })

  it('what a stranger was getting is cut', async () => {
    const { mediaId } = await node.add(randomBytes(48 * 1024 * 1024))
    const req = get(`${node.url}/media/${mediaId}`, { agent: false })
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    await once(res, 'data')
    isPaused = true
    res.resume()
    await expect(once(res, 'end')).rejects.toThrow(/aborted|ECONNRESET/)
    expect(res.complete).toBe(false)
  })
})
