import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { outcomeOf, Sandbox } from './sower-process.ts'

interface AddedItem {
  readonly mediaId: string
  readonly magnetURI?: string
  readonly link: string
  readonly name: string
  readonly size: number
  readonly access_level: string
  readonly state: string
  readonly isDuplicate: boolean
}

interface ErrorLine {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

const bytes = (length: number, seed: number): Buffer =>
  Buffer.alloc(length, createHash('sha256').update(`${seed}`).digest())
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const parseError = (stderr: string): ErrorLine => JSON.parse(stderr) as ErrorLine

describe('sower serve', () => {
  it('says where it listens, answers other commands, keeps others out and stops when told to', async () => {
    const sandbox = new Sandbox()
    const node = await sandbox.serve('data')
    expect(node.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(node.owner).toMatch(/^0[23][0-9a-f]{64}$/)

    const status = await sandbox.json<{
      running: boolean
      nodeId: string
      url: string
      wallet: { storage: string; message: string }
    }>('status', '--data-dir', 'data')
    expect(status).toMatchObject({ running: true, nodeId: node.nodeId, url: node.url })
    expect(status.wallet).toMatchObject({
      storage: 'keyfile',
      message: expect.stringContaining('whoever can read the data folder') as string,
    })

    const { token } = await sandbox.json<{ token: string }>('token', '--data-dir', 'data')
    expect(token.split('.')).toHaveLength(3)
    expect((await sandbox.run('token', '--data-dir', 'data')).stdout.trim().split('.')).toHaveLength(3)

    const second = await sandbox.run('serve', '--data-dir', 'data', '--port', '0', '--json')
    expect(second).toMatchObject({ status: 1, stdout: '' })
    expect(parseError(second.stderr).code).toBe('NODE_ALREADY_RUNNING')

    const began = performance.now()
    expect(await node.stop()).toBe(0)
    expect(performance.now() - began).toBeLessThan(5000)
    expect(existsSync(sandbox.path('data', 'node.json'))).toBe(false)
  })

  it('exits with a sentence when its port is taken', async () => {
    const sandbox = new Sandbox()
    const squatter = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => squatter.once('listening', resolve))
    onTestFinished(() => void squatter.close())
    const address = squatter.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { status, stdout, stderr } = await sandbox.run(
      'serve',
      '--data-dir',
      'data',
      '--port',
      String(port),
      '--control-port',
      '0',
      '--json',
    )
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(parseError(stderr)).toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)) as string,
    })
  })

  it('refuses a bad setting by name, and makes nothing', async () => {
    const sandbox = new Sandbox()
    const { status, stderr } = await sandbox.run('serve', '--data-dir', 'data', '--port', 'many', '--json')
    expect(status).toBe(1)
    expect(parseError(stderr)).toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('--port') as string,
    })
    expect(existsSync(sandbox.path('data', 'wallet.json'))).toBe(false)
  })

  const oldNode = '/usr/bin/node'
  const isOld =
    existsSync(oldNode) && /^v(1[89]|20|21)\./.test(spawnSync(oldNode, ['--version']).stdout.toString())
  it.skipIf(!isOld)('does not outlive the older Node it was started by', async () => {
    const sandbox = new Sandbox()
    const wrapper = sandbox.start(['serve', '--data-dir', 'data', '--port', '0', '--control-port', '0'], {
      node: oldNode,
    })
    await new Promise((resolve) => wrapper.stdout?.once('data', resolve))
    const { pid } = JSON.parse(readFileSync(sandbox.path('data', 'node.json'), 'utf8')) as { pid: number }
    expect(pid).not.toBe(wrapper.pid)
    wrapper.kill('SIGKILL')
    const isAlive = (): boolean => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    for (let i = 0; i < 200 && isAlive(); i += 1) await wait(50)
    expect(isAlive()).toBe(false)
    expect(existsSync(sandbox.path('data', 'node.json'))).toBe(false)
  })
})

describe('sower add, ls, share, rm, restore, rebuild, scrub', () => {
  it('work without a running node', async () => {
    const sandbox = new Sandbox()
    const data = bytes(300_000, 1)
    writeFileSync(sandbox.path('film.bin'), data)
    const added = await sandbox.json<AddedItem>('add', 'film.bin', '--access', 'public', '--data-dir', 'data')
    expect(added).toMatchObject({
      mediaId: sha256(data),
      name: 'film.bin',
      size: 300_000,
      access_level: 'public',
      isDuplicate: false,
    })
    expect(added.magnetURI).toMatch(/^magnet:\?xt=urn:btih:[0-9a-f]{40}/)
    expect(added.link).toMatch(new RegExp(`^sower://media/${added.mediaId}\\?`))

    const human = await sandbox.run('add', 'film.bin', '--data-dir', 'data')
    expect(human.status).toBe(0)
    expect(human.stdout).toContain('in the library already')
    expect(human.stderr).toContain('No node is running here')

    const listed = await sandbox.json<AddedItem[]>('ls', '--data-dir', 'data')
    expect(listed).toMatchObject([
      { mediaId: added.mediaId, name: 'film.bin', state: 'ready', access_level: 'public' },
    ])
    const share = await sandbox.json<{ link: string; magnetURI: string }>(
      'share',
      added.mediaId.slice(0, 8),
      '--data-dir',
      'data',
    )
    expect(share).toEqual({ mediaId: added.mediaId, link: added.link, magnetURI: added.magnetURI })
    expect(await sandbox.json('rebuild', '--data-dir', 'data')).toEqual({ items: 1, movedAside: [] })
  })

  it('work on a running node', async () => {
    const sandbox = new Sandbox()
    const node = await sandbox.serve('data')
    writeFileSync(sandbox.path('a.txt'), 'first')
    writeFileSync(sandbox.path('b.txt'), 'second')
    mkdirSync(sandbox.path('folder'))

    const several = await sandbox.run('add', 'a.txt', 'folder', 'b.txt', '--json', '--data-dir', 'data')
    expect(several.status).toBe(1)
    expect(JSON.parse(several.stdout)).toMatchObject([
      { mediaId: sha256(Buffer.from('first')), access_level: 'private' },
      { path: 'folder', error: { code: 'SOURCE_NOT_A_FILE' } },
      { mediaId: sha256(Buffer.from('second')) },
    ])
    expect(parseError(several.stderr).code).toBe('SOURCE_NOT_A_FILE')

    const ids = [sha256(Buffer.from('first')), sha256(Buffer.from('second'))]
    const scrubbed = await sandbox.json('scrub', '--data-dir', 'data')
    expect(scrubbed).toEqual({ checked: 2, ok: 2, damaged: [] })

    expect(await sandbox.json('rm', ids[0] ?? '', '--data-dir', 'data')).toMatchObject({ removed: [ids[0]] })
    expect(await sandbox.json<AddedItem[]>('ls', '--data-dir', 'data')).toMatchObject([{ mediaId: ids[1] }])
    expect(await sandbox.json('ls', '--trash', '--data-dir', 'data')).toMatchObject([{ mediaId: ids[0] }])
    const again = await sandbox.run('rm', ids[0] ?? '', '--json', '--data-dir', 'data')
    expect(again).toMatchObject({ status: 1, stdout: '' })
    expect(parseError(again.stderr)).toMatchObject({ code: 'NOT_FOUND' })
    const start = ids[0]?.slice(0, 6) ?? ''
    expect(await sandbox.json('restore', start, '--data-dir', 'data')).toEqual({ restored: [ids[0]] })
    expect((await sandbox.run('restore', ids[0] ?? '', '--data-dir', 'data')).stderr).toContain(
      'in the trash',
    )
    expect(await sandbox.json<AddedItem[]>('ls', '--data-dir', 'data')).toHaveLength(2)

    expect(await sandbox.json('pause', '--data-dir', 'data')).toEqual({ paused: true })
    expect(await sandbox.json('resume', '--data-dir', 'data')).toEqual({ paused: false })
    expect(await node.stop()).toBe(0)
  })

  it('scrub names what is not as it was added, and fails', async () => {
    const sandbox = new Sandbox()
    writeFileSync(sandbox.path('a.txt'), 'the right bytes')
    const { mediaId } = await sandbox.json<AddedItem>(
      'add',
      'a.txt',
      '--storage',
      'copy',
      '--data-dir',
      'data',
    )
    writeFileSync(sandbox.path('data', 'media', mediaId, 'original'), 'the wrong bytes')
    const { status, stdout, stderr } = await sandbox.run('scrub', '--json', '--data-dir', 'data')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ checked: 1, ok: 0, damaged: [{ mediaId, name: 'a.txt' }] })
    expect(parseError(stderr).code).toBe('HASH_MISMATCH')
  })
})

describe('sower get', () => {
  it('fetches from a node, verifies, and writes the file only once', async () => {
    const sandbox = new Sandbox()
    const data = bytes(2_000_000, 2)
    writeFileSync(sandbox.path('film.bin'), data)
    const node = await sandbox.serve('a')
    const { mediaId, link } = await sandbox.json<AddedItem>(
      'add',
      'film.bin',
      '--access',
      'public',
      '--data-dir',
      'a',
    )

    const got = await sandbox.json<AddedItem & { out: string }>(
      'get',
      link,
      '--from',
      node.url,
      '--out',
      'copy.bin',
      '--data-dir',
      'b',
    )
    expect(got).toMatchObject({
      mediaId,
      name: 'film.bin',
      size: data.length,
      isDuplicate: false,
      out: sandbox.path('copy.bin'),
    })
    expect(sha256(readFileSync(sandbox.path('copy.bin')))).toBe(mediaId)

    const again = await sandbox.run('get', link, '--out', 'copy.bin', '--json', '--data-dir', 'b')
    expect(again).toMatchObject({ status: 1, stdout: '' })
    expect(parseError(again.stderr).code).toBe('CONFLICT')

    mkdirSync(sandbox.path('folder'))
    writeFileSync(sandbox.path('copy.bin'), 'in the way')
    await sandbox.json('get', link, '--out', 'copy.bin', '--force', '--data-dir', 'b')
    expect(sha256(readFileSync(sandbox.path('copy.bin')))).toBe(mediaId)
    await sandbox.json('get', mediaId, '--out', 'folder', '--data-dir', 'b')
    expect(readdirSync(sandbox.path('folder'))).toEqual(['film.bin'])
    expect(readdirSync(sandbox.home).filter((name) => name.includes('sower-part'))).toEqual([])
  })

  it('refuses what is no link, and a folder that is not there, before anything else', async () => {
    const sandbox = new Sandbox()
    const bad = await sandbox.run('get', 'nonsense', '--json', '--data-dir', 'data')
    expect(bad.status).toBe(1)
    expect(parseError(bad.stderr).code).toBe('LINK_INVALID')
    const nowhere = await sandbox.run(
      'get',
      'a'.repeat(64),
      '--out',
      'no/such/folder/x',
      '--json',
      '--data-dir',
      'data',
    )
    expect(parseError(nowhere.stderr).code).toBe('BAD_REQUEST')
  })

  it('stopped by Ctrl-C says so, and the download is kept', async () => {
    const sandbox = new Sandbox()
    const node = await sandbox.serve('data')
    const getting = sandbox.start([
      'get',
      'magnet:?xt=urn:btih:' + 'ab'.repeat(20),
      '--from',
      '127.0.0.1:9',
      '--json',
      '--data-dir',
      'data',
    ])
    const ended = outcomeOf(getting)
    const token = readFileSync(sandbox.path('data', 'control.token'), 'utf8').trim()
    const transfers = async (): Promise<{ state: string }[]> => {
      const response = await fetch(`${node.controlUrl}/rpc/transfers.list`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      })
      return ((await response.json()) as { value: { transfers: { state: string }[] } }).value.transfers
    }
    for (let i = 0; i < 200 && (await transfers())[0]?.state !== 'active'; i += 1) await wait(100)
    // The command must have the id of what it waits for, which it gets right after the node began.
    await wait(500)
    getting.kill('SIGINT')
    const { status, stdout, stderr } = await ended
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' })
    expect(parseError(stderr)).toMatchObject({
      code: 'CANCELLED',
      hint: expect.stringContaining('go on') as string,
    })
    expect(await transfers()).toMatchObject([{ state: 'paused' }])
    await node.stop()
  })
})

describe('wrong usage', () => {
  it.each([
    [['bogus']],
    [['get']],
    [['get', '']],
    [['add', 'x', '--access', 'everybody']],
    [['ls', '--no-such-option']],
    [['share', 'a', 'b']],
  ])('%j ends with status 2 and says what is wrong', async (args) => {
    const sandbox = new Sandbox()
    const { status, stdout, stderr } = await sandbox.run(...args, '--json', '--data-dir', 'data')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(parseError(stderr)).toMatchObject({ code: 'BAD_REQUEST' })
    expect(existsSync(sandbox.path('data'))).toBe(false)
  })

  it('without a command shows the help', async () => {
    const { status, stdout } = await new Sandbox().run()
    expect(status).toBe(2)
    expect(stdout).toContain('sower [options] [command]')
    expect((await new Sandbox().run('--help')).status).toBe(0)
    expect((await new Sandbox().run('get', '--help')).stdout).toContain('--out <file>')
  })
})
