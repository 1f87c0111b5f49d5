import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../../scripts/lib/build.mjs'
import { hasCommand } from '../../scripts/lib/project.mjs'
import { Child } from '../support/child.ts'
import { runSower } from '../support/sower.ts'
import { makeVideo } from '../support/video.ts'
import { GIB, median, MIB, type Benchmark, type Row } from './report.ts'

const CHILD = fileURLToPath(new URL('children/seek-window-child.ts', import.meta.url))
const ELECTRON = new URL('../../scripts/lib/electron-runtime.mjs', import.meta.url).href
const LONGEST_MS = 15 * 60_000

/** No bus, no keychain: the wallet of the benchmark lies in its own folder and in nobody's keychain. */
const APART = { DBUS_SESSION_BUS_ADDRESS: '', XDG_RUNTIME_DIR: '' }

/** Seeks in a large encrypted video, in the app's own window: from the wish to a frame that can be shown. */
export const benchmark: Benchmark = {
  name: 'seek-window',
  async run({ isQuick, dir }): Promise<Row[]> {
    const why = whyNot()
    if (why !== undefined) {
      console.log(`seek-window: skipped, ${why}`)
      return []
    }
    if (!(await build())) throw new Error('the app could not be built')
    const sizeBytes = isQuick ? 128 * MIB : 4 * GIB
    const video = path.join(dir, 'film.webm')
    await makeVideo(video, sizeBytes)
    const seeks = isQuick ? 10 : 60
    const plain = await seekIn(video, path.join(dir, 'plain'), [], seeks)
    const encrypted = await seekIn(video, path.join(dir, 'encrypted'), ['--encrypt'], seeks)
    return [
      {
        what: `window, seek in ${isQuick ? '128 MiB' : '4 GiB'}, encrypted`,
        ours: `${median(encrypted).toFixed(0)} ms to a frame`,
        rival: `${median(plain).toFixed(0)} ms the same film not encrypted`,
        ratio: median(encrypted),
        target: { atMost: 300 },
        note: `of ${seeks}: 95 % within ${lateOf(encrypted).toFixed(0)} ms, not encrypted ${lateOf(plain).toFixed(0)} ms`,
      },
    ]
  },
}

function lateOf(timesMs: readonly number[]): number {
  return timesMs.toSorted((a, b) => a - b)[Math.floor(timesMs.length * 0.95)] ?? Number.NaN
}

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'it needs a virtual display of Linux'
  const lacking = ['ffmpeg', 'xvfb-run', 'xauth'].filter((name) => !hasCommand(name))
  if (lacking.length > 0) return `${lacking.join(', ')} not installed`
  // In a process of its own: where there is none to be had, it ends the process.
  const find = `import(${JSON.stringify(ELECTRON)}).then((module) => module.ensureElectronRuntime())`
  const { status, stderr } = spawnSync(process.execPath, ['-e', find], { encoding: 'utf8' })
  if (status === 0) return undefined
  const said = stderr.split('\n').find((line) => /^(?:sower|\w*Error)\b.*: /.test(line))
  return said ?? 'there is no Electron'
}

async function seekIn(
  video: string,
  dataDir: string,
  how: readonly string[],
  seeks: number,
): Promise<number[]> {
  const add = ['--json', 'add', video, ...how, '--access', 'private']
  const { status, stderr } = await runSower(dataDir, add, { ...APART, DISPLAY: '' }, LONGEST_MS)
  if (status !== 0) throw new Error(`the video could not be added: ${stderr}`)
  const screen = ['-a', '-s', '-screen 0 1600x1000x24']
  const command = [...screen, process.execPath, CHILD, dataDir, String(seeks)]
  await using child = new Child('xvfb-run', command, { env: { ...APART, WAYLAND_DISPLAY: '' } })
  const line = await child.line((text) => text.startsWith('{"timesMs"'), LONGEST_MS)
  // The app is to be gone before its folder is.
  await child.exited()
  await rm(dataDir, { recursive: true })
  // As the program beside this one prints it.
  return (JSON.parse(line) as { timesMs: number[] }).timesMs
}
