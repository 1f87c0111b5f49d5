import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode } from '../integration/http/test-node.ts'
import type { TestNode } from '../integration/http/test-node.ts'

const FILE = randomBytes(12_000_000)
const HEAD = '--cut\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
const TAIL = '\r\n--cut\r\nContent-Disposition: form-data; name="access_level"\r\n\r\npublic\r\n--cut--\r\n'
const BODY = Buffer.concat([Buffer.from(HEAD), FILE, Buffer.from(TAIL)])
let node: TestNode

beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.stop())

/** Uploads the first `bytes` of the body, waits until they arrived, and is gone. */
async function uploadAndVanish(bytes: number, how: 'close' | 'reset'): Promise<void> {
  const { hostname, port } = new URL(node.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const head =
    `POST /api/media/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.ownerToken}\r\n` +
    `Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: ${BODY.length}\r\n\r\n`
  socket.write(head)
  await new Promise<void>((resolve) => socket.write(BODY.subarray(0, bytes), () => resolve()))
  await expect.poll(() => node.transfers.list().some(({ state }) => state === 'active')).toBe(true)
  if (how === 'reset') socket.resetAndDestroy()
  else socket.destroy()
  await expect.poll(() => node.transfers.list().some(({ state }) => state === 'active')).toBe(false)
}

describe('an upload whose sender vanishes', () => {
  const shares = [10, 20, 30, 40, 50, 60, 70, 80, 90].flatMap((percent) => [
    [`at ${percent} %`, Math.floor((BODY.length * percent) / 100)] as const,
  ])

  it.each([
    ...shares,
    ['within the last field', BODY.length - 20] as const,
    ['one byte before the end', BODY.length - 3] as const,
  ])('%s leaves nothing', async (_when, bytes) => {
    for (const how of ['close', 'reset'] as const) {
      await uploadAndVanish(bytes, how)
      await expect.poll(() => node.incoming()).toEqual([])
      expect(node.library.list().total).toBe(0)
    }
    for (const { state } of node.transfers.list()) expect(['failed', 'cancelled']).toContain(state)
    node.transfers.dismiss()
  })
})
