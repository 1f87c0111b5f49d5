import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startTestNode } from '../integration/http/test-node.ts'
import { writeRandomFile } from './random-file.ts'
import { GIB, interleave, MIB, rate, type Benchmark, type Row } from './report.ts'

const run = promisify(execFile)
const NGINX = '/usr/sbin/nginx'
const CLIENTS = [1, 8] as const

/** A whole file over HTTP, against nginx's sendfile of the same warm file, with curl as the client. */
export const benchmark: Benchmark = {
  name: 'http',
  async run({ isQuick, dir }) {
    const sizeBytes = isQuick ? 128 * MIB : GIB
    const sourcePath = join(dir, 'source')
    await writeRandomFile(sourcePath, sizeBytes)
    const node = await startTestNode()
    try {
      const stream = createReadStream(sourcePath, { highWaterMark: MIB })
      const { mediaId } = await node.addStream(stream, 'bench.bin')
      const nginx = await startNginx(dir, node.folder.paths(mediaId).original)
      try {
        const urls = { ours: `${node.url}/media/${mediaId}`, nginx: nginx.url }
        const rows: Row[] = []
        for (const clients of CLIENTS)
          rows.push(await compare(clients, isQuick ? 2 : 5, sizeBytes, urls, nginx))
        return rows
      } finally {
        nginx.process.kill('SIGQUIT')
        await new Promise((resolve) => nginx.process.once('exit', resolve))
      }
    } finally {
      await node.stop()
    }
  },
}

interface Nginx {
  readonly process: ChildProcess
  readonly url: string
  readonly version: string
}

async function compare(
  clients: number,
  rounds: number,
  sizeBytes: number,
  urls: { readonly ours: string; readonly nginx: string },
  nginx: Nginx,
): Promise<Row> {
  await download(urls.ours, 1)
  await download(urls.nginx, 1)
  const cpuBefore = process.cpuUsage()
  const nginxCpuBefore = await cpuSecOfChildren(nginx.process)
  const times = await interleave(rounds, {
    nginx: () => download(urls.nginx, clients),
    ours: () => download(urls.ours, clients),
  })
  const { user, system } = process.cpuUsage(cpuBefore)
  const nginxCpuSec = (await cpuSecOfChildren(nginx.process)) - nginxCpuBefore
  const gib = (clients * rounds * sizeBytes) / GIB
  return {
    what: `HTTP, whole file, ${clients} client${clients === 1 ? '' : 's'}`,
    ours: rate(clients * sizeBytes, times.ours),
    rival: `${rate(clients * sizeBytes, times.nginx)} ${nginx.version}`,
    ratio: times.nginx / times.ours,
    target: { atLeast: 0.5 },
    note: `CPU per GiB: ${((user + system) / 1e6 / gib).toFixed(2)} s, nginx ${(nginxCpuSec / gib).toFixed(2)} s`,
  }
}

/** Resolves when all clients had everything. */
function download(url: string, clients: number): Promise<unknown> {
  return Promise.all(Array.from({ length: clients }, () => run('curl', ['-sf', '-o', '/dev/null', url])))
}

async function startNginx(dir: string, path: string): Promise<Nginx> {
  const port = await freePort()
  const log = join(dir, 'nginx.log')
  const config = join(dir, 'nginx.conf')
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  )
  await writeFile(
    config,
    `daemon off; worker_processes 2; pid ${dir}/nginx.pid; error_log ${log}; events {}
     ${process.getuid?.() === 0 ? 'user root;' : ''}
     http { access_log off; sendfile on; ${temp.join(' ')}
       server { listen 127.0.0.1:${port}; location = /file { alias ${path}; } } }`,
  )
  const url = `http://127.0.0.1:${port}/file`
  const child = spawn(NGINX, ['-c', config, '-e', log], { stdio: 'ignore' })
  const { stderr } = await run(NGINX, ['-v'])
  const version = stderr.trim().replace(/^nginx version: /, '')
  for (let tries = 0; tries < 100; tries += 1) {
    const isUp = await run('curl', ['-sfI', url]).then(
      () => true,
      () => false,
    )
    if (isUp) return { process: child, url, version }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill()
  throw new Error(`nginx did not start: ${await readFile(log, 'utf8')}`)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is never a string.
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** CPU seconds that nginx's workers have used so far. */
async function cpuSecOfChildren({ pid }: ChildProcess): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
  const ticks = await Promise.all(
    children.map(async (child) => {
      // utime and stime, fields 14 and 15 of proc(5); the name before them is in parentheses.
      const fields = (await readFile(`/proc/${child}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
      return Number(fields[11]) + Number(fields[12])
    }),
  )
  return ticks.reduce((sum, tick) => sum + tick, 0) / 100
}
