import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { giveUp, isCi, run, say } from './project.mjs'

/** What Electron needs to open a window, with or without a display, and keytar to reach a keychain. */
const electronPackages = words(`
  xvfb xauth libnss3 libatk1.0-0 libatk-bridge2.0-0 libcups2 libdrm2 libgtk-3-0 libgbm1 libasound2 libxss1
  libxtst6 libnotify4 dbus dbus-x11 libsecret-1-0`)

/** The keychain and the programs nobody here wrote that the tests run against. */
const testPackages = words(`
  gnome-keyring libsecret-tools transmission-cli transmission-daemon aria2 curl python3-libtorrent mktorrent
  opentracker nginx-light chromium ffmpeg tcpdump gcc libc6-dev btrfs-progs python3-cryptography`)

/** Package sets by purpose: `run` opens the window, `serve` is headless, `test` runs everything. */
const packageSets = {
  run: electronPackages,
  serve: ['libsecret-1-0'],
  test: [...electronPackages, ...testPackages],
}

/**
 * Installs what is missing (as root) or says which command would. On systems without dpkg it does nothing.
 * @param {keyof typeof packageSets} purpose
 * @returns {string[]} the packages that are still missing
 */
export function ensureDebianPackages(purpose) {
  if (process.platform !== 'linux' || !fs.existsSync('/usr/bin/dpkg-query')) return []
  const missing = missingPackages(packageSets[purpose])
  if (missing.length === 0) return []

  if (process.getuid?.() !== 0) {
    const command = `sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`
    if (isCi && purpose === 'test') giveUp(`Debian packages are missing. Install them with: ${command}`)
    say(`Debian packages are missing; some things may not work until you run: ${command}`)
    return missing
  }

  say(`installing ${missing.length} Debian packages: ${missing.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const isUpdated = run('apt-get', ['update', '-qq'], { env, isQuiet: true })
  const names = missing.map(nameOnThisRelease)
  // Services such as nginx and transmission-daemon must not start by themselves: the tests start their own.
  const policy = '/usr/sbin/policy-rc.d'
  const hadPolicy = fs.existsSync(policy)
  if (!hadPolicy) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  let isInstalled = false
  try {
    const args = ['install', '-y', '-qq', '--no-install-recommends', ...names]
    isInstalled = isUpdated && run('apt-get', args, { env, isQuiet: true })
  } finally {
    if (!hadPolicy) fs.rmSync(policy, { force: true })
  }
  if (isInstalled) return []
  const sentence = `apt-get could not install ${names.join(' ')} (its output is above)`
  if (isCi || purpose === 'run') giveUp(sentence)
  say(`${sentence}; going on without them`)
  return missingPackages(packageSets[purpose])
}

/** @param {readonly string[]} names */
function missingPackages(names) {
  // Releases with 64-bit time_t renamed some libraries (libasound2t64); the old name is then only a label.
  const asked = names.flatMap((name) => [name, `${name}t64`])
  const result = spawnSync('dpkg-query', ['-W', '-f=${Package}\t${Status}\n', ...asked], { encoding: 'utf8' })
  const installed = new Set(
    result.stdout
      .split('\n')
      .filter((line) => line.endsWith('\tinstall ok installed'))
      .map((line) => line.split('\t')[0]),
  )
  return names.filter((name) => !installed.has(name) && !installed.has(`${name}t64`))
}

/** @param {string} name */
function nameOnThisRelease(name) {
  const renamed = `${name}t64`
  return spawnSync('apt-cache', ['show', renamed], { stdio: 'ignore' }).status === 0 ? renamed : name
}

/** @param {string} text */
function words(text) {
  return text.trim().split(/\s+/)
}
