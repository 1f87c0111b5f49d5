import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { formatLink } from '../../app/fetching/index.ts'
import { magnetURI } from '../../app/seeding/index.ts'
import { Child } from '../support/child.ts'
import { openFetchNode, type FetchNode } from '../support/fetch-node.ts'
import { startLibtorrent } from '../support/libtorrent.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../support/sample-torrent.ts'
import { tempDir, type TempDir } from '../support/temp-dir.ts'
import { freePort, startTransmission } from '../support/transmission.ts'
import { startWebNode } from '../support/web-node.ts'

const MIB = 1024 * 1024
let stack: AsyncDisposableStack
let dir: TempDir
let sample: SampleTorrent
let node: FetchNode
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  sample = await makeSample({ dir: dir.path, sizeBytes: 4 * MIB + 321, name: 'film.bin' })
  node = stack.use(await openFetchNode({ root: dir.file('node') }))
})
afterEach(async () => {
  await stack.disposeAsync()
})

async function expectStored(): Promise<void> {
  expect(await sha256Of(path.join(node.mediaDir, sample.mediaId, 'original'))).toBe(sample.mediaId)
  expect(await node.incoming()).toEqual([])
}

async function libtorrentSeed(): Promise<string> {
  const peer = stack.use(
    await startLibtorrent({ mode: 'seed', torrent: sample.metainfoPath, dir: dir.path, useTrackers: false }),
  )
  return `127.0.0.1:${String(peer.port)}`
}

it('gets an item from libtorrent by a magnet and its address', async () => {
  const peer = await libtorrentSeed()
  const link = `${magnetURI({ ...sample, trackers: [] })}&x.pe=${peer}`
  expect(await node.get({ link })).toMatchObject({ state: 'done', name: 'film.bin', mediaId: sample.mediaId })
  await expectStored()
  expect(node.library.get(sample.mediaId)).toMatchObject({ infoHash: sample.infoHash })
})

it('gets an item from Transmission by a share link', async () => {
  await mkdir(dir.file('held'))
  await copyFile(sample.path, path.join(dir.file('held'), sample.name))
  const transmission = stack.use(await startTransmission(dir.file('home')))
  await transmission.add({ metainfo: sample.metainfo, dir: dir.file('held') })
  await transmission.complete()
  const link = formatLink({ mediaId: sample.mediaId, infoHash: sample.infoHash })
  expect(await node.get({ link, from: [`127.0.0.1:${String(transmission.peerPort)}`] })).toMatchObject({
    state: 'done',
  })
  await expectStored()
})

it('gets one file from libtorrent and nginx at once', async () => {
  const url = await startNginx()
  const peer = await libtorrentSeed()
  const link = formatLink({ mediaId: sample.mediaId, infoHash: sample.infoHash })
  const transfer = await node.get({ link, from: [`${url}/${sample.name}`, peer] })
  expect(transfer).toMatchObject({ state: 'done' })
  expect(transfer.sources.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['torrent', 'http']))
  await expectStored()
})

it('gets a file from nginx alone, and goes on with nginx where a broken server stopped', async () => {
  const url = await startNginx()
  const broken = stack.use(await startWebNode(sample, { cutAfterBytes: MIB }))
  const transfer = await node.get({ link: sample.mediaId, from: [broken.url, `${url}/${sample.name}`] })
  expect(transfer).toMatchObject({ state: 'done' })
  expect(transfer.sources.map(({ bytes }) => bytes > 0)).toEqual([true, true])
  await expectStored()
})

it('gets a file from a server without ranges (python http.server)', async () => {
  const port = await freePort()
  stack.use(
    new Child('/usr/bin/python3', [
      '-m',
      'http.server',
      String(port),
      '--bind',
      '127.0.0.1',
      '--directory',
      dir.path,
    ]),
  )
  await answers(port)
  const transfer = await node.get({
    link: sample.mediaId,
    from: [`http://127.0.0.1:${String(port)}/${sample.name}`],
  })
  expect(transfer).toMatchObject({ state: 'done' })
  await expectStored()
})

async function startNginx(): Promise<string> {
  const port = await freePort()
  const home = dir.file('nginx')
  await mkdir(home)
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join(' ')
  await writeFile(
    path.join(home, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
     events {} http { access_log off; ${temps} server { listen 127.0.0.1:${String(port)}; root ${dir.path}; } }`,
  )
  stack.use(
    new Child('/usr/sbin/nginx', [
      '-p',
      home,
      '-e',
      `${home}/error.log`,
      '-c',
      path.join(home, 'nginx.conf'),
    ]),
  )
  await answers(port)
  return `http://127.0.0.1:${String(port)}`
}

async function answers(port: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await sleep(50)) {
    try {
      await fetch(`http://127.0.0.1:${String(port)}/`, { method: 'HEAD' })
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}
