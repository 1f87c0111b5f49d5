import fs from 'node:fs'
import path from 'node:path'
import { build } from './lib/build.mjs'
import { pinnedNodePath } from './lib/dependencies.mjs'
import { ensureElectronRuntime } from './lib/electron-runtime.mjs'
import { prepare } from './lib/prepare.mjs'
import { become, giveUp, hasCommand, projectRoot, say } from './lib/project.mjs'

await prepare('run')
const runtime = await ensureElectronRuntime()
if (!(await build())) giveUp('the app could not be built')

// Switches such as --user-data-dir belong before the app's folder, links after it; Electron sorts both out.
const args = [projectRoot, ...process.argv.slice(2)]
if (process.getuid?.() === 0) args.unshift('--no-sandbox')
else sayHowToAllowSandbox(runtime.folder)
const env = { ...process.env, SOWER_NODE: pinnedNodePath() }

const hasDisplay = process.platform !== 'linux' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']
if (hasDisplay) {
  process.exitCode = await become(runtime.executablePath, args, env)
} else {
  if (!hasCommand('xvfb-run')) giveUp('there is no display, and xvfb-run is not installed')
  say('no display: the window opens on a virtual one (Xvfb)')
  // Nobody can see the window, so what is asked for in it needs another way out: see the README on `npm run serve`.
  process.exitCode = await become('xvfb-run', ['-a', runtime.executablePath, ...args], env)
}

/**
 * Some systems (Ubuntu 24.04 and later) keep Chromium's sandbox from ordinary programs; then it needs a helper that
 * only root can set up.
 * @param {string} folder the runtime's
 */
function sayHowToAllowSandbox(folder) {
  const helper = path.join(folder, 'chrome-sandbox')
  const isRestricted =
    readSwitch('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1' ||
    readSwitch('/proc/sys/kernel/unprivileged_userns_clone') === '0'
  if (!isRestricted || !fs.existsSync(helper) || (fs.statSync(helper).mode & 0o4000) !== 0) return
  say(
    `if the window does not open, allow its sandbox: sudo chown root ${helper} && sudo chmod 4755 ${helper}`,
  )
}

/** @param {string} file */
function readSwitch(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : undefined
}
