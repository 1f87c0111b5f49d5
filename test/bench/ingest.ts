import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { HashPool } from '../../app/ingest/index.ts'
import { readFile, type Storage } from '../../app/ingest/read-file.ts'
import { silentLog } from '../../app/ports/log.ts'
import { GIB, interleave, MIB, rate, seconds, versionOf, type Benchmark, type Row } from './report.ts'
import { writeRandomFile } from './random-file.ts'

const run = promisify(execFile)
const signal = new AbortController().signal

/** A file on its way into the library, against only computing its sha256. */
export const benchmark: Benchmark = {
  name: 'ingest',
  versions: () => ({ openssl: versionOf('openssl', 'version') }),
  async run({ isQuick, dir }) {
    const sizeBytes = isQuick ? 512 * MIB : 4 * GIB
    const sourcePath = path.join(dir, 'source')
    const stagedPath = path.join(dir, 'staged')
    await writeRandomFile(sourcePath, sizeBytes)
    const pool = new HashPool({ log: silentLog })
    const ingest = async (storage: Storage): Promise<void> => {
      await readFile(pool, { sourcePath, stagedPath, storage, withPieces: true, signal })
    }
    const openssl = (): Promise<unknown> => run('openssl', ['dgst', '-sha256', sourcePath])
    try {
      // Once unmeasured: caches warm, workers started, code compiled.
      await openssl()
      const memory = watchMemory()
      const readBefore = readChars()
      await ingest('copy')
      const readRatio = (readChars() - readBefore) / sizeBytes
      await rm(stagedPath)
      const times = await interleave(isQuick ? 2 : 5, {
        openssl,
        copy: async () => ingest('copy'),
        synced: async () => {
          await rm(stagedPath)
          await ingest('copy')
          const handle = await open(stagedPath, 'r+')
          await handle.sync()
          await handle.close()
        },
        link: async () => ingest('link'),
      })
      const growthBytes = memory.stop()
      const rival = `${rate(sizeBytes, times.openssl)} openssl sha256`
      const size = `${(sizeBytes / GIB).toFixed(1)} GiB`
      return [
        row(`add ${size}: sha256, pieces and copy`, times.copy, { atLeast: 0.7 }),
        row(`the same, on the disk for good`, times.synced),
        row(`add ${size} as a link`, times.link, { atLeast: 0.7 }),
        {
          what: 'bytes read per byte of the source',
          ours: readRatio.toFixed(3),
          rival: '',
          ratio: readRatio,
          target: { atMost: 1.02 },
        },
        {
          what: 'memory that adding takes, MB',
          ours: `${(growthBytes / 1e6).toFixed(0)} MB`,
          rival: '',
          ratio: growthBytes / 1e6,
          target: { atMost: 150 },
        },
        await smallFiles(pool, dir, isQuick ? 200 : 2000),
      ]
      function row(what: string, inSeconds: number, target?: Row['target']): Row {
        return {
          what,
          ours: rate(sizeBytes, inSeconds),
          rival,
          ratio: times.openssl / inSeconds,
          ...(target === undefined ? {} : { target }),
        }
      }
    } finally {
      await pool.close()
    }
  },
}

async function smallFiles(pool: HashPool, dir: string, count: number): Promise<Row> {
  const folder = path.join(dir, 'small')
  await mkdir(path.join(folder, 'staged'), { recursive: true })
  for (let index = 0; index < count; index++)
    await writeFile(path.join(folder, `${index}`), `${index} `.repeat(1000))
  const paths = Array.from({ length: count }, (_, index) => path.join(folder, `${index}`))
  const cpTime = await seconds(() => run('cp', [...paths, path.join(folder, 'staged')]))
  await rm(path.join(folder, 'staged'), { recursive: true })
  await mkdir(path.join(folder, 'staged'))
  const ourTime = await seconds(async () => {
    for (let index = 0; index < count; index += 4) {
      const four = [index, index + 1, index + 2, index + 3].filter((each) => each < count)
      await Promise.all(
        four.map((each) =>
          readFile(pool, {
            sourcePath: path.join(folder, `${each}`),
            stagedPath: path.join(folder, 'staged', `${each}`),
            storage: 'auto',
            withPieces: true,
            signal,
          }),
        ),
      )
    }
  })
  return {
    what: `read and store ${count} small files`,
    ours: `${(count / ourTime).toFixed(0)} files/s`,
    rival: `${(count / cpTime).toFixed(0)} files/s cp`,
    ratio: cpTime / ourTime,
    note: 'without the library’s fsync and rows',
  }
}

function watchMemory(): { stop(): number } {
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  return {
    stop: () => {
      clearInterval(timer)
      return peak - before
    },
  }
}

/** Bytes this process has asked the system to read; Linux only. */
function readChars(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}
