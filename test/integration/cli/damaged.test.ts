import { copyFileSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { Sandbox } from './sower-process.ts'
import type { Outcome } from './sower-process.ts'

let sandbox: Sandbox
let mediaId: string
let infoHash: string

beforeEach(async () => {
  sandbox = new Sandbox()
  writeFileSync(sandbox.path('a.txt'), 'some bytes')
  const args = ['add', 'a.txt', '--access', 'public', '--data-dir', 'data']
  const added = await sandbox.json<{ mediaId: string; infoHash: string }>(...args)
  ;({ mediaId, infoHash } = added)
})

const inData = (...parts: string[]): string => sandbox.path('data', ...parts)
const list = (): Promise<Outcome> => sandbox.run('ls', '--data-dir', 'data')

describe('a damaged file of the data folder', () => {
  it.each([
    [
      'sower.db',
      'The database was damaged. It was moved aside and is being made again from the media folder:',
    ],
    ['settings.json', 'The settings file was damaged, so Sower started with the default settings.'],
    ['node.key', 'The file node.key was damaged, so this node has a new name in the network.'],
  ])('%s is moved aside, said, and the library is there', async (file, sentence) => {
    writeFileSync(inData(file), 'this is no such file, but it is here')
    const outcome = await list()
    expect(outcome.status).toBe(0)
    expect(outcome.stderr).toContain(sentence)
    expect(outcome.stdout).toContain(mediaId.slice(0, 12))
    expect(readdirSync(inData()).some((name) => name.startsWith(`${file}.damaged-`))).toBe(true)
  })

  it('a database that lost its end is made again', async () => {
    truncateSync(inData('sower.db'), 20_000)
    const outcome = await list()
    expect(outcome.stderr).toContain('The database was damaged.')
    expect(outcome.stdout).toContain(mediaId.slice(0, 12))
  })

  it('control.token is replaced', async () => {
    writeFileSync(inData('control.token'), 'x')
    expect((await list()).status).toBe(0)
  })

  it.each(['sower.db', 'settings.json', 'node.key', 'control.token'])(
    'a folder where %s should be ends with a sentence',
    async (file) => {
      rmSync(inData(file), { force: true })
      mkdirSync(inData(file))
      const { status, stdout, stderr } = await sandbox.run('ls', '--json', '--data-dir', 'data')
      expect(status).toBe(1)
      expect(stdout).toBe('')
      expect(JSON.parse(stderr)).toMatchObject({ code: 'UNAVAILABLE' })
      expect(stderr).toContain('Your media are untouched.')
    },
  )

  it.each(['a.txt', '/dev/null/x'])('a data folder that can’t be one (%s) is said so', async (dir) => {
    const { status, stderr } = await sandbox.run('ls', '--json', '--data-dir', dir)
    expect(status).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'BAD_REQUEST' })
  })
})

it('a damaged torrent file is made again when a peer asks for the item', async () => {
  const torrent = inData('media', mediaId, 'media.torrent')
  copyFileSync(torrent, sandbox.path('before'))
  const node = await sandbox.serve('data')
  writeFileSync(torrent, 'no torrent')
  const socket = connect(node.peerPort, '127.0.0.1')
  socket.on('error', () => undefined)
  const reserved = '\0'.repeat(8)
  const hello = Buffer.from(`\x13BitTorrent protocol${reserved}`, 'latin1')
  socket.write(Buffer.concat([hello, Buffer.from(infoHash, 'hex'), Buffer.from('-XX0001-abcdefghijkl')]))
  const said = async (): Promise<boolean> =>
    (await sandbox.run('status', '--data-dir', 'data')).stdout.includes('It was made again from the media')
  for (let i = 0; i < 20 && !(await said()); i += 1) await wait(100)
  expect(await said()).toBe(true)
  socket.destroy()
  expect((await fetch(`${node.url}/api/media/${mediaId}/torrent`)).status).toBe(200)
  await node.stop()
})
