import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomFillSync } from 'node:crypto'
import { promisify } from 'node:util'
import { startTestNode } from '../integration/http/test-node.ts'

const run = promisify(execFile)
const MiB = 1024 * 1024
const NGINX = '/usr/sbin/nginx'

export interface HttpBenchOptions {
  /** @defaultValue 1 GiB */
  readonly sizeBytes?: number
  /** Interleaved rounds of each side; the median counts. @defaultValue 5 */
  readonly rounds?: number
}

export interface HttpSide {
  readonly medianBytesPerSec: number
  /** Of the serving processes, over all rounds. */
  readonly cpuSec: number
}

export interface HttpBenchResult {
  readonly clients: number
  readonly sower: HttpSide
  readonly nginx: HttpSide
  /** Sower's rate in nginx's; the goal is 0.5. */
  readonly ratio: number
  readonly nginxVersion: string
}

/** Whole-file HTTP against nginx's sendfile: the same warm file, curl as the client, one client and eight. */
export async function benchHttp({ sizeBytes = 1024 * MiB, rounds = 5 }: HttpBenchOptions = {}): Promise<
  HttpBenchResult[]
> {
  const dir = await mkdtemp(join(tmpdir(), 'sower-bench-http-'))
  const node = await startTestNode({ settings: { maxUploadBytes: 2 * sizeBytes } })
  try {
    const source = join(dir, 'source')
    await writeRandom(source, sizeBytes)
    const { mediaId, path } = await storeFile(node, source)
    const nginx = await startNginx(dir, path)
    try {
      const results: HttpBenchResult[] = []
      for (const clients of [1, 8]) {
        results.push(await compare(clients, rounds, sizeBytes, `${node.url}/media/${mediaId}`, nginx))
      }
      return results
    } finally {
      nginx.process.kill('SIGQUIT')
      await new Promise((resolve) => nginx.process.once('exit', resolve))
    }
  } finally {
    await node.stop()
    await rm(dir, { recursive: true, force: true })
  }
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
  sowerUrl: string,
  nginx: Nginx,
): Promise<HttpBenchResult> {
  const rates: { sower: number[]; nginx: number[] } = { sower: [], nginx: [] }
  const cpu = { sower: 0, nginx: 0 }
  await download(sowerUrl, 1)
  await download(nginx.url, 1)
  for (let round = 0; round < rounds; round += 1) {
    const nginxBefore = await cpuSecOfChildren(nginx.process)
    rates.nginx.push((clients * sizeBytes) / (await download(nginx.url, clients)))
    cpu.nginx += (await cpuSecOfChildren(nginx.process)) - nginxBefore
    const before = process.cpuUsage()
    rates.sower.push((clients * sizeBytes) / (await download(sowerUrl, clients)))
    const { user, system } = process.cpuUsage(before)
    cpu.sower += (user + system) / 1e6
  }
  const sower = { medianBytesPerSec: median(rates.sower), cpuSec: cpu.sower }
  const other = { medianBytesPerSec: median(rates.nginx), cpuSec: cpu.nginx }
  return {
    clients,
    sower,
    nginx: other,
    ratio: sower.medianBytesPerSec / other.medianBytesPerSec,
    nginxVersion: nginx.version,
  }
}

/** @returns seconds until all clients had everything */
async function download(url: string, clients: number): Promise<number> {
  const begin = performance.now()
  await Promise.all(Array.from({ length: clients }, () => run('curl', ['-sf', '-o', '/dev/null', url])))
  return (performance.now() - begin) / 1000
}

async function startNginx(dir: string, path: string): Promise<Nginx> {
  const port = await freePort()
  const config = join(dir, 'nginx.conf')
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  )
  await writeFile(
    config,
    `daemon off; worker_processes 2; pid ${dir}/nginx.pid; error_log ${dir}/nginx.log; events {}
     ${process.getuid?.() === 0 ? 'user root;' : ''}
     http { access_log off; sendfile on; tcp_nopush on; ${temp.join(' ')}
       server { listen 127.0.0.1:${port}; location = /file { alias ${path}; } } }`,
  )
  const child = spawn(NGINX, ['-c', config, '-e', join(dir, 'nginx.log')], { stdio: 'ignore' })
  const { stderr } = await run(NGINX, ['-v'])
  for (let tries = 0; tries < 100; tries += 1) {
    const isUp = await run('curl', ['-sfI', `http://127.0.0.1:${port}/file`]).then(
      () => true,
      () => false,
    )
    if (isUp) return { process: child, url: `http://127.0.0.1:${port}/file`, version: stderr.trim() }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill()
  throw new Error(`nginx did not start: ${await readFile(join(dir, 'nginx.log'), 'utf8')}`)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function cpuSecOfChildren({ pid }: ChildProcess): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
  const ticks = await Promise.all(
    children.map(async (child) => {
      // Fields 14 and 15 (proc(5)); the name before them is in parentheses.
      const fields = (await readFile(`/proc/${child}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
      return Number(fields[11]) + Number(fields[12])
    }),
  )
  return ticks.reduce((sum, tick) => sum + tick, 0) / 100
}

async function writeRandom(path: string, sizeBytes: number): Promise<void> {
  const block = Buffer.alloc(8 * MiB)
  const file = await open(path, 'w')
  try {
    for (let written = 0; written < sizeBytes; written += block.length) {
      randomFillSync(block)
      await file.write(block.subarray(0, Math.min(block.length, sizeBytes - written)))
    }
  } finally {
    await file.close()
  }
}

/** Through the front door: as an upload. */
async function storeFile(
  node: Awaited<ReturnType<typeof startTestNode>>,
  source: string,
): Promise<{ mediaId: string; path: string }> {
  const { mediaId } = await node.addStream(createReadStream(source, { highWaterMark: MiB }), 'bench.bin')
  return { mediaId, path: node.folder.paths(mediaId).bytes }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
