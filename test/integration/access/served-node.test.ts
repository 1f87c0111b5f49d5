import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EngineArgs, EngineCallName, EngineResult } from '../../../app/contract/index.ts'
import { testSigner } from '../../unit/manifest/owner.ts'
import { runSower, serveNode } from '../../support/sower.ts'
import type { SowerNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { logIn } from './login.ts'

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

async function call<N extends EngineCallName>(
  node: SowerNode,
  name: N,
  args: EngineArgs<N>,
): Promise<EngineResult<N>> {
  const token = (await readFile(join(node.dataDir, 'control.token'), 'utf8')).trim()
  const answer = await fetch(`${node.controlUrl}/rpc/${name}`, {
    method: 'POST',
    headers: { ...bearer(token).headers, 'content-type': 'application/json' },
    body: JSON.stringify(args),
  })
  const reply = (await answer.json()) as { ok: boolean; value: EngineResult<N>; error?: unknown }
  if (!reply.ok) throw new Error(JSON.stringify(reply.error))
  return reply.value
}

async function addEncrypted(node: SowerNode, path: string): Promise<string> {
  const { transferIds } = await call(node, 'library.add', { paths: [path], isEncrypted: true })
  let mediaId: string | undefined
  await expect
    .poll(
      async () => {
        const { transfers } = await call(node, 'transfers.list', {})
        const transfer = transfers.find(({ id }) => id === transferIds[0])
        mediaId = transfer?.mediaId
        return transfer?.state
      },
      { timeout: 20_000 },
    )
    .toBe('done')
  return mediaId ?? ''
}

describe('a node in a process of its own', () => {
  it('plays what it keeps encrypted to this computer alone, and hands out ciphertext', async () => {
    await using dir = await tempDir()
    await using node = await serveNode(dir.file('a'), [])
    const film = randomBytes(3_000_000)
    const path = dir.file('film.mp4')
    await writeFile(path, film)
    const mediaId = await addEncrypted(node, path)

    const { url, expiresAtMs } = await call(node, 'library.playUrl', { mediaId: mediaId as never })
    expect(expiresAtMs).toBeGreaterThan(Date.now())
    expect(url.startsWith(node.controlUrl)).toBe(true)
    const range = { headers: { range: 'bytes=1000000-1999999' } }
    const played = await fetch(url, range)
    expect(played.status).toBe(206)
    expect(Buffer.from(await played.arrayBuffer()).equals(film.subarray(1_000_000, 2_000_000))).toBe(true)
    const path404 = await fetch(url.replace(node.controlUrl, node.url))
    expect(path404.status).toBe(404)

    const { token } = await call(node, 'vault.token', {})
    const stored = Buffer.from(
      await (await fetch(`${node.url}/media/${mediaId}`, bearer(token))).arrayBuffer(),
    )
    expect(createHash('sha256').update(stored).digest('hex')).toBe(mediaId)
    expect(stored.includes(film.subarray(0, 64))).toBe(false)
    expect((await fetch(`${node.url}/media/${mediaId}`)).status).toBe(404)
    const reader = await logIn(node.url, testSigner(7))
    expect((await fetch(`${node.url}/media/${mediaId}`, bearer(reader))).status).toBe(404)
    await expect(call(node, 'library.playUrl', { mediaId: 'ab'.repeat(32) as never })).rejects.toThrow(
      'NOT_FOUND',
    )
    const log = await readFile(join(node.dataDir, 'logs', 'sower.log'), 'utf8')
    for (const secret of [reader, token, new URL(url).searchParams.get('signature') ?? ''])
      expect(log).not.toContain(secret)
  })

  it('believes an OIP server’s tokens when it shares its secret, and starts with none that can be guessed', async () => {
    await using dir = await tempDir()
    const secret = 'a secret of OIP, as long as it should be'
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ publicKey: testSigner(7).publicKey, exp: Date.now() / 1000 + 60 })}`
    const token = `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    {
      await using node = await serveNode(dir.file('a'), [], { JWT_SECRET: secret })
      expect((await fetch(`${node.url}/health`, bearer(token))).status).toBe(200)
      expect((await fetch(`${node.url}/health`, bearer(`${token}x`))).status).toBe(401)
    }
    {
      await using node = await serveNode(dir.file('a'), [])
      expect((await fetch(`${node.url}/health`, bearer(token))).status).toBe(401)
    }
    const args = [
      '--json',
      'serve',
      '--port',
      '0',
      '--control-port',
      '0',
      '--peer-port',
      '0',
      '--tracker',
      'none',
    ]
    const guessed = await runSower(dir.file('a'), args, { JWT_SECRET: 'your-secret-key' })
    expect(guessed.status).toBe(1)
    expect(JSON.parse(guessed.stderr)).toMatchObject({ code: 'BAD_REQUEST' })
    expect(guessed.stderr).toContain('JWT_SECRET')
    expect(guessed.stderr).not.toContain('your-secret-key')
  })
})
