import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from '../../scripts/lib/project.mjs'
import { Child } from './child.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/gateways', import.meta.url))
const INSTALL_MS = 5 * 60_000

/** A gateway of others, with one file in it. */
export interface Gateway extends AsyncDisposable {
  readonly url: string
  /** The file's transaction or CID. */
  readonly id: string
}

/**
 * Installs a gateway from npm, unless it is there from before: hundreds of packages that the project itself has no use for, so
 * they lie in the cache folder, outside the checkout. None of their install scripts runs.
 */
export async function installGateway(kind: 'arweave' | 'ipfs'): Promise<string> {
  const source = path.join(FIXTURES, kind)
  const digest = createHash('sha256')
  const names = await fs.readdir(source, { recursive: true })
  for (const name of names.toSorted())
    if (/\.\w+$/.test(name)) digest.update(name).update(await fs.readFile(path.join(source, name)))
  const folder = path.join(cacheFolder, `gateway-${kind}-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  // Under its name only when it is whole.
  const coming = `${folder}.${String(process.pid)}`
  await fs.cp(source, coming, { recursive: true })
  await promisify(execFile)(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'],
    {
      cwd: coming,
      timeout: INSTALL_MS,
    },
  )
  await fs.rename(coming, folder)
  return folder
}

/** Starts it on loopback with this file in it. @param dir for what it stores */
export async function startGateway(folder: string, file: string, dir: string): Promise<Gateway> {
  const child = new Child(
    process.execPath,
    [path.join(folder, 'gateway.mjs'), file, path.join(dir, 'store')],
    { cwd: dir },
  )
  const line = await child.line((text) => text.startsWith('ready '), 60_000)
  // The program is ours: see `test/fixtures/gateways`.
  const { url, id } = JSON.parse(line.slice('ready '.length)) as { url: string; id: string }
  return { url, id, [Symbol.asyncDispose]: () => child.stop() }
}
