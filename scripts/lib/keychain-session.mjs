import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { hasCommand } from './project.mjs'

/**
 * A session with a real, unlocked and empty keychain (gnome-keyring on a D-Bus of its own), apart from the user's.
 * @typedef {object} KeychainSession
 * @property {(command: readonly string[]) => string[]} wrap the command line that runs `command` inside the session
 * @property {NodeJS.ProcessEnv} env what is added to the environment
 * @property {() => void} close removes the keychain's files
 */

/** @returns {KeychainSession | undefined} undefined where gnome-keyring or D-Bus is not installed */
export function openKeychainSession() {
  if (process.platform !== 'linux') return undefined
  if (!hasCommand('dbus-run-session') || !hasCommand('gnome-keyring-daemon')) return undefined
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sower-session-'))
  const runtimeDir = path.join(folder, 'runtime')
  const dataDir = path.join(folder, 'data')
  fs.mkdirSync(runtimeDir, { mode: 0o700 })
  fs.mkdirSync(dataDir)
  const unlock = 'printf sower | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1'
  return {
    wrap: (command) => ['dbus-run-session', '--', 'bash', '-c', `${unlock}; exec "$@"`, 'bash', ...command],
    env: { XDG_RUNTIME_DIR: runtimeDir, XDG_DATA_HOME: dataDir, SOWER_TEST_KEYCHAIN: '1' },
    close: () => fs.rmSync(folder, { recursive: true, force: true }),
  }
}
