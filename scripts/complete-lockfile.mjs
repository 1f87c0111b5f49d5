import fs from 'node:fs'
import path from 'node:path'
import { projectRoot, say } from './lib/project.mjs'

// A registry mirror may lack the packages of platforms it does not serve. npm then leaves them out of
// package-lock.json, and `npm ci` refuses that lock file everywhere. This adds them from what their parents declare,
// so that the lock file is the same whichever registry it was written against. Run it after `npm install`.

/**
 * @typedef {{ version?: string, optional?: boolean, dev?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 */

const platforms = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const architectures = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

const file = path.join(projectRoot, 'package-lock.json')
const lock = /** @type {{ packages: Record<string, LockedPackage> }} */ (
  JSON.parse(fs.readFileSync(file, 'utf8'))
)

/** @type {string[]} */
const added = []
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const platform = platformOf(name)
    const key = `node_modules/${name}`
    if (platform === undefined || lock.packages[key] !== undefined || !/^\d/.test(version)) continue
    lock.packages[key] = { version, ...platform, ...(parent.dev && { dev: true }), optional: true }
    added.push(name)
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
say(added.length === 0 ? 'package-lock.json is complete' : `added to package-lock.json: ${added.join(', ')}`)

/**
 * Reads os, cpu and libc off names such as `@oxlint/binding-linux-arm64-musl`.
 * @param {string} name
 */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = platforms.find((word) => words.includes(word))
  const cpu =
    architectures.find((word) => words.includes(word)) ?? (words.includes('arm') ? 'arm' : undefined)
  if (os === undefined || cpu === undefined) return undefined
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined
  return { cpu: [cpu], ...(libc !== undefined && os === 'linux' && { libc: [libc] }), os: [os] }
}
