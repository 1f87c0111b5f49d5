import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { _electron } from 'playwright'
import type { ElectronApplication, Page } from 'playwright'
// Plain JavaScript of the project's own scripts, typed by its JSDoc.
import { ensureElectronRuntime } from '../../scripts/lib/electron-runtime.mjs'
import { expectAllHeard } from './unheard.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Desktop extends AsyncDisposable {
  readonly app: ElectronApplication
  readonly page: Page
  readonly dataDir: string
  /** The engine's process id, from the file the node writes while it runs. */
  enginePid(): Promise<number>
  /** Starts Sower a second time on the same data folder, as a link or a file from outside does; resolves when that one ended. */
  startAgain(args: readonly string[]): Promise<void>
}

export interface DesktopOptions {
  readonly dataDir: string
  readonly env?: Readonly<Record<string, string>>
  /** @defaultValue the checkout */
  readonly appDir?: string
}

/** The real app in a real window. */
export async function openDesktop({ dataDir, env = {}, appDir = ROOT }: DesktopOptions): Promise<Desktop> {
  const { executablePath } = await ensureElectronRuntime()
  const args = process.getuid?.() === 0 ? ['--no-sandbox', appDir] : [appDir]
  const fullEnv = {
    ...definedOnly(process.env),
    SOWER_NODE: process.execPath,
    SOWER_DATA_DIR: dataDir,
    SOWER_PORT: '0',
    SOWER_CONTROL_PORT: '0',
    WEBTORRENT_TRACKERS: 'none',
    SOWER_DHT: 'off',
    SOWER_LSD: 'off',
    SOWER_RESERVE_BYTES: '1M',
    ...env,
  }
  const app = await _electron.launch({ executablePath, args, env: fullEnv })
  const page = await app.firstWindow()
  return {
    app,
    page,
    dataDir,
    enginePid: async () => {
      const node = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as { pid: number }
      return node.pid
    },
    startAgain: async (more) => {
      const second = spawn(executablePath, [...args, ...more], { env: fullEnv, stdio: 'ignore' })
      try {
        await within('the second start ends', once(second, 'exit'))
      } finally {
        second.kill('SIGKILL')
      }
    },
    [Symbol.asyncDispose]: async () => {
      await quit(app)
      expectAllHeard(dataDir)
    },
  }
}

/** Drops files of the disk on the window, as the system's file manager does. */
export async function dropFiles(
  page: Page,
  files: readonly string[],
  zone: 'public' | 'private',
): Promise<void> {
  const client = await page.context().newCDPSession(page)
  const data = { items: [], files: [...files], dragOperationsMask: 1 }
  const dispatch = (type: 'dragEnter' | 'dragOver' | 'drop', x: number, y: number): Promise<unknown> =>
    within(`the window takes ${type}`, client.send('Input.dispatchDragEvent', { type, x, y, data }))
  await dispatch('dragEnter', 400, 300)
  await dispatch('dragOver', 400, 300)
  const target = page.locator(`[data-audience="${zone}"]`)
  const box = await target.boundingBox()
  if (!box) throw new Error(`there is no zone “${zone}” to drop on`)
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await dispatch('dragEnter', x, y)
  await dispatch('dragOver', x, y)
  await dispatch('drop', x, y)
  await client.detach()
}

/** Playwright bounds what it waits for itself, not what it evaluates or sends: a step that hangs says which it was. */
export async function within<T>(what: string, step: Promise<T>, timeoutMs = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it took too long until ${what}`)), timeoutMs)
  })
  try {
    return await Promise.race([step, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for what is so sooner or later: the window and the engine are other processes. */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await within(what, isSo(), timeoutMs).catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`it never came true that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function quit(app: ElectronApplication): Promise<void> {
  const child = app.process()
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  await app.evaluate(({ app: electron }) => electron.quit()).catch(() => undefined)
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
