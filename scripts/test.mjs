import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build } from './lib/build.mjs'
import { runChecks } from './lib/check.mjs'
import { withProjectPath } from './lib/dependencies.mjs'
import { ensureElectronRuntime } from './lib/electron-runtime.mjs'
import { openKeychainSession } from './lib/keychain-session.mjs'
import { prepare } from './lib/prepare.mjs'
import { giveUp, hasCommand, isCi, projectRoot, say } from './lib/project.mjs'

// npm test                                      everything
// npm test -- unit integration                  these kinds only
// npm test -- e2e test/e2e/add.test.ts -t drop  one kind; the rest goes to Vitest

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ name: string, projects?: readonly string[], limitMinutes: number, needs: readonly string[], hasWindow?: boolean }} Phase
 */

const peers = ['transmission-daemon', 'aria2c', 'chromium', 'ffmpeg', 'curl']

/** @type {readonly Phase[]} */
const phases = [
  { name: 'check', limitMinutes: 5, needs: [] },
  { name: 'unit', projects: ['unit'], limitMinutes: 10, needs: [] },
  { name: 'integration', projects: ['integration'], limitMinutes: 15, needs: [] },
  { name: 'interop', projects: ['interop'], limitMinutes: 15, needs: peers },
  { name: 'faults', projects: ['faults'], limitMinutes: 20, needs: [] },
  { name: 'e2e', projects: ['e2e'], limitMinutes: 15, needs: [], hasWindow: true },
]

const { chosen, vitestArgs } = readArguments(process.argv.slice(2))
await prepare('test')

const session = openKeychainSession()
/** @type {Counts} */
const total = { passed: 0, failed: 0, skipped: 0 }
/** @type {string[]} */
const notes = []
const startedMs = performance.now()
try {
  for (const phase of chosen) {
    const phaseStartedMs = performance.now()
    const counts = await runPhase(phase)
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
    const seconds = ((performance.now() - phaseStartedMs) / 1000).toFixed(0)
    say(`${phase.name}: ${describe(counts)}, ${seconds} s`)
  }
} finally {
  session?.close()
}

if (isCi && total.skipped > 0) notes.push('in CI nothing may be skipped: this run counts as failed')
for (const note of notes) process.stdout.write(`${note}\n`)
process.stdout.write(`total time ${((performance.now() - startedMs) / 60_000).toFixed(1)} min\n`)
process.stdout.write(`${describe(total)}\n`)
process.exitCode = total.failed > 0 || (isCi && total.skipped > 0) ? 1 : 0

/** @param {Counts} counts */
function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** @param {readonly string[]} args */
function readArguments(args) {
  /** @type {Phase[]} */
  const named = []
  let at = 0
  for (; at < args.length; at += 1) {
    const phase = phases.find(({ name }) => name === args[at])
    if (phase === undefined) break
    named.push(phase)
  }
  const rest = args.slice(at)
  if (named.length === 0 && rest.length > 0) {
    giveUp(`name what to run first: ${phases.map(({ name }) => name).join(', ')}`)
  }
  return { chosen: named.length > 0 ? named : phases, vitestArgs: rest }
}

/**
 * @param {Phase} phase
 * @returns {Promise<Counts>}
 */
async function runPhase(phase) {
  if (phase.projects === undefined) {
    const { failed } = runChecks()
    for (const name of failed) notes.push(`check failed: ${name}`)
    return { passed: 0, failed: failed.length, skipped: 0 }
  }
  const lacking = lackingPrograms(phase)
  if (lacking.length > 0) {
    notes.push(`${phase.name} was not run: ${lacking.join(', ')} not installed`)
    return { passed: 0, failed: isCi ? 1 : 0, skipped: 1 }
  }
  if (phase.hasWindow) {
    const runtime = await ensureElectronRuntime()
    say(`the window is tested in Electron ${runtime.version}`)
    if (!(await build())) {
      notes.push('e2e was not run: the app could not be built')
      return { passed: 0, failed: 1, skipped: 0 }
    }
  }
  return runVitest(phase, phase.projects)
}

/** @param {Phase} phase */
function lackingPrograms(phase) {
  const isVirtual = phase.hasWindow && needsVirtualDisplay()
  return [...phase.needs, ...(isVirtual ? ['xvfb-run', 'xauth'] : [])].filter((name) => !hasCommand(name))
}

/** On Linux always, even beside a display: tests must not move the windows of whoever runs them. */
function needsVirtualDisplay() {
  return process.platform === 'linux'
}

/**
 * @param {Phase} phase
 * @param {readonly string[]} projects
 * @returns {Promise<Counts>}
 */
async function runVitest(phase, projects) {
  const summaryFile = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sower-report-')), 'summary.json')
  const vitest = path.join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs')
  const selection = projects.flatMap((name) => ['--project', name])
  const reporters = [
    '--reporter=default',
    `--reporter=${path.join(projectRoot, 'scripts/lib/summary-reporter.mjs')}`,
  ]
  let command = [
    process.execPath,
    vitest,
    'run',
    '--passWithNoTests',
    ...selection,
    ...reporters,
    ...vitestArgs,
  ]
  /** @type {NodeJS.ProcessEnv} */
  let env = { ...withProjectPath(), SOWER_TEST_SUMMARY: summaryFile }
  if (session !== undefined) {
    command = session.wrap(command)
    env = { ...env, ...session.env }
  }
  if (phase.hasWindow && needsVirtualDisplay()) {
    command = ['xvfb-run', '-a', '-s', '-screen 0 1600x1000x24', ...command]
    delete env['WAYLAND_DISPLAY']
  }
  try {
    const status = await runLimited(phase, command, env)
    const counts = readSummary(phase, summaryFile)
    // A crash, an unhandled error or an empty report must not look like success.
    if (status !== 0 && counts.failed === 0) {
      notes.push(`${phase.name}: Vitest ended with status ${status}`)
      counts.failed = 1
    }
    return counts
  } finally {
    fs.rmSync(path.dirname(summaryFile), { recursive: true, force: true })
  }
}

/**
 * @param {Phase} phase
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function runLimited(phase, [program = '', ...args], env) {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that a phase that hangs ends with everything it started.
    const child = spawn(program, args, {
      cwd: projectRoot,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    })
    const end = () => {
      if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL')
      else child.kill('SIGKILL')
    }
    const timer = setTimeout(() => {
      notes.push(`${phase.name} was ended after ${phase.limitMinutes} minutes`)
      end()
    }, phase.limitMinutes * 60_000)
    const interrupt = () => {
      end()
      session?.close()
      process.exit(130)
    }
    process.once('SIGINT', interrupt)
    process.once('SIGTERM', interrupt)
    child.on('error', reject)
    child.on('exit', (status) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      resolve(status ?? 1)
    })
  })
}

/**
 * Counts what Vitest ran, and keeps for the closing lines what needs somebody's eyes.
 * @param {Phase} phase
 * @param {string} summaryFile
 * @returns {Counts}
 */
function readSummary(phase, summaryFile) {
  if (!fs.existsSync(summaryFile)) return { passed: 0, failed: 0, skipped: 0 }
  const summary = /** @type {import('./lib/summary-reporter.mjs').Summary} */ (
    JSON.parse(fs.readFileSync(summaryFile, 'utf8'))
  )
  notes.push(...summary.notes.map((note) => `${phase.name}: ${note}`))
  return { passed: summary.passed, failed: summary.failed, skipped: summary.skipped }
}
