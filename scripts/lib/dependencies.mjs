import fs from 'node:fs'
import path from 'node:path'
import { become, giveUp, projectRoot, run, say } from './project.mjs'

/**
 * @typedef {{ packages: Record<string, LockedPackage> }} LockFile
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }} LockedPackage
 */

/** Installs node_modules when it is missing or holds other versions than package-lock.json asks for. */
export function ensureDependencies() {
  const reason = whyInstall()
  // The pinned Node lives inside node_modules, which npm ci removes first: npm must run on the system's.
  const env = { ...process.env, PATH: pathWithoutProject() }
  if (reason !== undefined) {
    say(`${reason}: installing the packages of package-lock.json (npm ci)`)
    // Without install scripts, whatever npm's version makes of allowScripts: npm 10 would compile native modules that
    // come with their binaries, and so need a compiler.
    if (!run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { env, isQuiet: true })) {
      giveUp('npm ci failed (its output is above). Nothing else was changed; run the same command again.')
    }
  }
  if (fs.existsSync(pinnedNodePath())) return
  say(`installing Node ${pinnedNodeVersion()} into node_modules`)
  // The one package whose install script is wanted: it fetches the binary.
  if (!run('npm', ['rebuild', 'node'], { env, isQuiet: true }) || !fs.existsSync(pinnedNodePath())) {
    giveUp(
      `Node ${pinnedNodeVersion()} could not be installed. Remove node_modules and run the same command again.`,
    )
  }
}

/**
 * The Node every script, test and headless engine runs on, as an absolute path without links.
 */
export function pinnedNodePath() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  return path.join(projectRoot, 'node_modules', 'node', 'bin', name)
}

/**
 * Starts this very script again under the pinned Node unless it runs there already. Returns only in the latter case.
 */
export async function continueUnderPinnedNode() {
  if (process.versions.node === pinnedNodeVersion()) return
  process.exit(await become(pinnedNodePath(), process.argv.slice(1), withProjectPath()))
}

/**
 * The environment with the project's own commands (and so the pinned Node) first on PATH, and a place for what Node compiles.
 * @returns {NodeJS.ProcessEnv}
 */
export function withProjectPath() {
  const bin = path.join(projectRoot, 'node_modules', '.bin')
  return {
    ...process.env,
    PATH: `${bin}${path.delimiter}${pathWithoutProject()}`,
    // Most of what a short-lived process of ours does is compiling.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? path.join(projectRoot, '.cache', 'compiled'),
  }
}

function pinnedNodeVersion() {
  const file = path.join(projectRoot, 'node_modules', 'node', 'package.json')
  return /** @type {{ version: string }} */ (readJson(file)).version
}

/**
 * Compares what is installed with what is locked. Times alone would not do: every checkout of a branch
 * touches package-lock.json, and npm itself writes it after node_modules.
 */
function whyInstall() {
  const installedFile = path.join(projectRoot, 'node_modules', '.package-lock.json')
  const lockFile = path.join(projectRoot, 'package-lock.json')
  if (!fs.existsSync(installedFile)) return 'node_modules is missing'
  if (fs.statSync(lockFile).mtimeMs <= fs.statSync(installedFile).mtimeMs) return undefined

  // npm's own files, whose shape npm guarantees.
  const installed = /** @type {LockFile} */ (readJson(installedFile)).packages
  const locked = /** @type {LockFile} */ (readJson(lockFile)).packages
  const different = Object.entries(locked).filter(([name, wanted]) => {
    if (name === '' || wanted.link) return false
    const present = installed[name]
    if (present === undefined) return !(wanted.optional || wanted.devOptional || wanted.peer)
    return present.version !== wanted.version
  })
  if (different.length > 0) return `${different.length} packages differ from package-lock.json`
  fs.utimesSync(installedFile, new Date(), new Date())
  return undefined
}

function pathWithoutProject() {
  const own = path.join(projectRoot, 'node_modules')
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.filter((folder) => !folder.startsWith(own)).join(path.delimiter)
}

/**
 * @param {string} file
 * @returns {unknown}
 */
function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}
