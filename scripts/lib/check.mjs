import path from 'node:path'
import { withProjectPath } from './dependencies.mjs'
import { projectRoot, run, say } from './project.mjs'

/** @type {readonly { name: string, command: readonly [string, ...string[]] }[]} */
const checks = [
  { name: 'types', command: ['tsc', '-b'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'unused code', command: ['knip'] },
  { name: 'unused code in the product', command: ['knip', '--production'] },
]

/**
 * Runs every static check; a failing one shows its output and does not keep the others from running.
 * @returns {{ passed: string[], failed: string[] }} names
 */
export function runChecks() {
  /** @type {string[]} */
  const passed = []
  /** @type {string[]} */
  const failed = []
  for (const { name, command } of checks) {
    const [program, ...args] = command
    const startedMs = performance.now()
    const file = path.join(projectRoot, 'node_modules', '.bin', program)
    const isGood = run(file, args, { env: withProjectPath(), isQuiet: true })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    say(`${name}: ${isGood ? 'good' : `FAILED (${command.join(' ')}, output above)`}, ${seconds} s`)
    ;(isGood ? passed : failed).push(name)
  }
  return { passed, failed }
}
