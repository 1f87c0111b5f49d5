// Lives in resources/app of the npm-hosted Electron runtime and does there what Electron's own default_app does
// in a stock one: start the app whose folder is given on the command line.
import { app } from 'electron'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const { folder, preloads } = readCommandLine(process.argv.slice(1))
for (const file of preloads) require(path.resolve(file))

if (folder === undefined) {
  process.stderr.write('Usage: electron [options] <app folder> [arguments]\n')
  app.exit(1)
} else {
  await startApp(path.resolve(folder))
}

/** @param {readonly string[]} args */
function readCommandLine(args) {
  /** @type {string[]} */
  const preloads = []
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? ''
    if (arg === '-r' || arg === '--require') {
      index += 1
      const file = args[index]
      if (file !== undefined) preloads.push(file)
    } else if (!arg.startsWith('-')) {
      return { folder: arg, preloads }
    }
  }
  return { folder: undefined, preloads }
}

/**
 * @typedef {{ name?: string, productName?: string, version?: string, main?: string, desktopName?: string }} Manifest
 * @typedef {{ setAppPath(folder: string): void, setVersion(version: string): void, setDesktopName(name: string): void }} Internals
 */

/** @param {string} target an app folder or its main file */
async function startApp(target) {
  Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true })
  let mainFile = target
  if (fs.statSync(target).isDirectory()) {
    const text = fs.readFileSync(path.join(target, 'package.json'), 'utf8')
    const manifest = /** @type {Manifest} */ (JSON.parse(text))
    const name = manifest.productName ?? manifest.name
    if (name !== undefined) app.name = name
    // Electron's own default_app calls these as well; they are left out of its public types.
    const internal = /** @type {Internals} */ (/** @type {unknown} */ (app))
    internal.setAppPath(target)
    if (manifest.version !== undefined) internal.setVersion(manifest.version)
    internal.setDesktopName(manifest.desktopName ?? `${app.name}.desktop`)
    mainFile = path.join(target, manifest.main ?? 'index.js')
  }
  await import(pathToFileURL(mainFile).href)
}
