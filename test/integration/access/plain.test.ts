import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { AppError } from '../../../app/contract/index.ts'
import type { PlainFile } from '../../../app/ports/plain-file.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { ask, json, startTestNode, TEST_PAIR } from '../http/test-node.ts'
import type { Answer, TestNode } from '../http/test-node.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { storeEncrypted } from './items.ts'
import type { StoredItem } from './items.ts'
import { post } from './login.ts'

const alice = testSigner(7)
const us = { owner: `02${'11'.repeat(32)}`, pub: TEST_PAIR.pub, epub: TEST_PAIR.epub }
const OTHER = seaPairFromSeed(Buffer.alloc(64, 6))
const somebody = { owner: `02${'22'.repeat(32)}`, pub: OTHER.pub, epub: OTHER.epub }
const GIF = Buffer.concat([Buffer.from('474946383961', 'hex'), randomBytes(200_000)])

let node: TestNode
let gif: StoredItem
let foreign: StoredItem
const downloads = new Map<string, PlainFile>()

beforeAll(async () => {
  node = await startTestNode({
    openTransfer: async (id) => {
      const file = downloads.get(id)
      if (file === undefined) throw new Error(`no download ${id}`)
      return file
    },
  })
  const published = { signer: alice, accessLevel: 'shared' } as const
  gif = await storeEncrypted(node, GIF, {
    ...published,
    name: 'secret päivä.gif',
    mime: 'image/gif',
    recipients: [us],
  })
  foreign = await storeEncrypted(node, randomBytes(1000), {
    ...published,
    name: 'not ours.txt',
    mime: 'text/plain',
    recipients: [somebody],
  })
})
afterAll(() => node.stop())

const token = () => ({ authorization: `Bearer ${node.controlToken}` })
const control = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  ask(node.controlUrl + path, { method, headers: { ...token(), ...headers } })

describe('GET /media/:mediaId on the control listener, of an encrypted item', () => {
  const path = (): string => `/media/${gif.row.mediaId}`

  it('gives the file itself, with its sealed name and type, kept by nobody', async () => {
    const answer = await control(path())
    expect(answer.status).toBe(200)
    expect(answer.body.equals(GIF)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-type': 'image/gif',
      'content-length': String(GIF.length),
      'content-disposition': `inline; filename="secret p_iv_.gif"; filename*=UTF-8''secret%20p%C3%A4iv%C3%A4.gif`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      etag: `"${gif.row.mediaId}-plain"`,
    })
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    expect(answer.headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/)
  })

  it('gives any range alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(GIF.length - 1), fc.nat(150_000), async (start, length) => {
        const answer = await control(path(), { range: `bytes=${start}-${start + length}` })
        const end = Math.min(start + length + 1, GIF.length)
        expect(answer.status).toBe(206)
        expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${GIF.length}`)
        expect(answer.body.equals(GIF.subarray(start, end))).toBe(true)
      }),
      { numRuns: 40 },
    )
    const tail = await control(path(), { range: 'bytes=-5' })
    expect(tail.body.equals(GIF.subarray(-5))).toBe(true)
  })

  it('refuses a range outside, and says the size of the file itself', async () => {
    const answer = await control(path(), { range: `bytes=${GIF.length}-` })
    expect(answer.status).toBe(416)
    expect(answer.headers['content-range']).toBe(`bytes */${GIF.length}`)
  })

  it('answers HEAD without reading, and a range of another representation whole', async () => {
    const head = await control(path(), {}, 'HEAD')
    expect(head.body).toHaveLength(0)
    expect(head.headers['content-length']).toBe(String(GIF.length))
    const range = 'bytes=0-9'
    const same = await control(path(), { range, 'if-range': `"${gif.row.mediaId}-plain"` })
    expect(same.status).toBe(206)
    const other = await control(path(), { range, 'if-range': `"${gif.row.mediaId}"` })
    expect(other.status).toBe(200)
  })

  it('says that a key is needed where nobody gave one', async () => {
    const answer = await control(`/media/${foreign.row.mediaId}`)
    expect(answer.status).toBe(403)
    expect(json(answer)).toMatchObject({ code: 'KEY_NEEDED' })
  })

  it('gives what could run as a download without a type, whatever its seal says', async () => {
    const page = Buffer.from('<script>alert(1)</script>')
    const { row } = await storeEncrypted(node, page, {
      signer: alice,
      accessLevel: 'private',
      name: 'page.html\r\nX-Evil: 1',
      mime: 'text/html',
      recipients: [us],
    })
    const answer = await control(`/media/${row.mediaId}`)
    expect(answer.body.equals(page)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-security-policy': "sandbox; default-src 'none'",
    })
    expect(answer.headers['content-disposition']).toMatch(/^attachment; /)
    expect(answer.headers).not.toHaveProperty('x-evil')
  })

  it('says why when the wallet is locked, and goes on when it is open', async () => {
    let isLocked = true
    const locked = await startTestNode({
      seaPair: () => {
        if (isLocked) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
        return TEST_PAIR
      },
    })
    try {
      const { row } = await storeEncrypted(locked, GIF, {
        signer: alice,
        accessLevel: 'shared',
        name: 'x.gif',
        mime: 'image/gif',
        recipients: [us],
      })
      expect(row).toMatchObject({ protection: 'locked', name: 'Encrypted item' })
      const url = `${locked.controlUrl}/media/${row.mediaId}`
      const headers = { authorization: `Bearer ${locked.controlToken}` }
      const refused = await ask(url, { headers })
      expect(refused.status).toBe(503)
      expect(json(refused)).toMatchObject({ code: 'KEYCHAIN_LOCKED' })
      isLocked = false
      expect((await ask(url, { headers })).body.equals(GIF)).toBe(true)
    } finally {
      await locked.stop()
    }
  })

  it('opens to a signed address of the item, and of no other', async () => {
    const { path: signed } = json(await post(`${node.controlUrl}${path()}/ticket`, {}, token())) as {
      path: string
    }
    expect((await ask(node.controlUrl + signed)).body.equals(GIF)).toBe(true)
    const query = signed.slice(signed.indexOf('?'))
    expect((await ask(`${node.controlUrl}/media/${foreign.row.mediaId}${query}`)).status).toBe(401)
    expect((await ask(`${node.controlUrl}/transfers/${gif.row.mediaId}/media${query}`)).status).toBe(401)
    expect((await ask(`${node.url}${signed}`)).status).toBe(404)
  })
})

describe('ciphertext that is not what it was', () => {
  it('is refused before a byte is sent, or cut where it begins', async () => {
    const plain = randomBytes(300_000)
    const { row, stored } = await storeEncrypted(node, plain, {
      signer: alice,
      accessLevel: 'private',
      name: 'x.bin',
      recipients: [us],
    })
    const original = node.library.openFile.bind(node.library)
    // The library's own look at size and time is passed by: this is about the tags.
    node.library.openFile = async (mediaId) => {
      const opened = await original(mediaId)
      return { ...opened, handle: await open(damaged, 'r') }
    }
    const damaged = `${node.dir}/damaged`
    const write = async (at: number): Promise<void> => {
      const bytes = Buffer.from(stored)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const file = await open(damaged, 'w')
      await file.writeFile(bytes)
      await file.close()
    }
    try {
      await write(10)
      const refused = await control(`/media/${row.mediaId}`)
      expect(refused.status).toBe(422)
      expect(json(refused)).toMatchObject({ code: 'CIPHERTEXT_INVALID' })
      await write(3 * 65_536 + 10)
      await expect(control(`/media/${row.mediaId}`)).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
      const before = await control(`/media/${row.mediaId}`, { range: 'bytes=0-99999' })
      expect(before.body.equals(plain.subarray(0, 100_000))).toBe(true)
    } finally {
      node.library.openFile = original
    }
  })
})

describe('a download that can be read already', () => {
  /** Bytes that arrive while they are read. */
  function arriving(whole: Buffer, arrived: (upTo: number) => Promise<void>, seen: string[]): PlainFile {
    return {
      name: 'film.mp4',
      mime: 'video/mp4',
      sizeBytes: whole.length,
      async *read(start, endExclusive, signal) {
        signal?.addEventListener('abort', () => seen.push('aborted'))
        for (let at = start; at < endExclusive; at += 1000) {
          await arrived(at)
          yield whole.subarray(at, Math.min(at + 1000, endExclusive))
        }
      },
      close: async () => void seen.push('closed'),
    }
  }

  it('is answered as it arrives', async () => {
    const whole = randomBytes(50_000)
    const seen: string[] = []
    downloads.set(
      't-1',
      arriving(whole, async () => undefined, seen),
    )
    const answer = await control('/transfers/t-1/media', { range: 'bytes=1234-40000' })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-type']).toBe('video/mp4')
    expect(answer.headers['etag']).toBe('"t-1-plain"')
    expect(answer.body.equals(whole.subarray(1234, 40_001))).toBe(true)
    expect(seen).toEqual(['closed'])
  })

  it('is told when the player goes away', async () => {
    const seen: string[] = []
    const controller = new AbortController()
    downloads.set(
      't-2',
      arriving(
        randomBytes(50_000),
        async (upTo) => {
          if (upTo >= 10_000) await new Promise((resolve) => setTimeout(resolve, 20))
          if (upTo >= 12_000) controller.abort()
        },
        seen,
      ),
    )
    await expect(
      ask(`${node.controlUrl}/transfers/t-2/media`, { headers: token(), signal: controller.signal }),
    ).rejects.toThrow()
    await expect.poll(() => seen).toEqual(['aborted', 'closed'])
  })

  it('is the control token’s holder’s alone', async () => {
    expect((await ask(`${node.controlUrl}/transfers/t-1/media`)).status).toBe(401)
    expect((await ask(`${node.url}/transfers/t-1/media`)).status).toBe(404)
    expect((await control('/transfers/../media')).status).toBe(404)
    expect((await control(`/transfers/${'x'.repeat(65)}/media`)).status).toBe(404)
  })
})

describe('a client that takes nothing', () => {
  it('is not read ahead for more than a window', async () => {
    const chunk = Buffer.alloc(65_536)
    let given = 0
    const file: PlainFile = {
      name: 'x',
      mime: 'video/mp4',
      sizeBytes: 1024 * 1024 * 1024,
      async *read() {
        for (;;) {
          given += chunk.length
          yield chunk
        }
      },
      close: async () => undefined,
    }
    downloads.set('t-3', file)
    const { connect } = await import('node:net')
    const { port, host } = new URL(node.controlUrl)
    const deaf = connect(Number(port), '127.0.0.1')
    deaf.pause()
    deaf.write(
      `GET /transfers/t-3/media HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${node.controlToken}\r\n\r\n`,
    )
    let before = -1
    while (before !== given) {
      before = given
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(given).toBeGreaterThan(0)
    // What the two sockets' buffers took, and one window.
    expect(given).toBeLessThan(16 * 1024 * 1024)
    deaf.destroy()
  })
})
