import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { HashPool } from '../../app/ingest/index.ts'
import type { Encrypt } from '../../app/ingest/encrypt.ts'
import { readFile, type Storage } from '../../app/ingest/read-file.ts'
import { newFileKey } from '../../app/stream-cipher.ts'
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
    const ingest = async (storage: Storage, encrypt?: Encrypt): Promise<void> => {
      await readFile(pool, { sourcePath, stagedPath, storage, withPieces: true, encrypt, signal })
    }
    const encrypted = (): Promise<void> => ingest('copy', { fileKey: newFileKey() })
    const openssl = (): Promise<unknown> => run('openssl', ['dgst', '-sha256', sourcePath])
    try {
      // Once unmeasured: caches warm, workers started, code compiled.
      await openssl()
      const memory = watchMemory()
      const before = countedChars()
      await ingest('copy')
      const readRatio = (countedChars().read - before.read) / sizeBytes
      await rm(stagedPath)
      const between = countedChars()
      await encrypted()
      const after = countedChars()
      const sealedReadRatio = (after.read - between.read) / sizeBytes
      const sealedWriteRatio = (after.written - between.written) / sizeBytes
      await rm(stagedPath)
      const times = await interleave(isQuick ? 2 : 5, {
        openssl,
        copy: async () => ingest('copy'),
        encrypted: async () => {
          await rm(stagedPath, { force: true })
          await encrypted()
        },
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
        row(`add ${size} encrypted: three hashes, cipher and copy`, times.encrypted, { atLeast: 0.4 }),
        row(`add ${size} as a link`, times.link, { atLeast: 0.7 }),
        amount('bytes read per byte of the source', readRatio, 1.02),
        amount('encrypted: bytes read per byte of the source', sealedReadRatio, 1.02),
        amount('encrypted: bytes written per byte of the source', sealedWriteRatio, 1.01),
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

function amount(what: string, ratio: number, atMost: number): Row {
  return { what, ours: ratio.toFixed(3), rival: '', ratio, target: { atMost } }
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

/** Bytes this process has asked the system to read and to write so far; Linux only. */
function countedChars(): { readonly read: number; readonly written: number } {
  const counts = readFileSync('/proc/self/io', 'utf8')
  return {
    read: Number(/rchar: (\d+)/.exec(counts)?.[1]),
    written: Number(/wchar: (\d+)/.exec(counts)?.[1]),
  }
}
