import { spawn, spawnSync } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

// Everything under scripts/lib runs on the system's Node (20 or newer) before node_modules exists:
// built-in modules only at the top of a file.

/** The checkout's folder. */
export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** True where a missing part must fail the run rather than be skipped. */
export const isCi =
  process.env['CI'] !== undefined && process.env['CI'] !== '' && process.env['CI'] !== 'false'

/** Where downloads that outlive the checkout are kept. */
export const cacheFolder = path.join(
  process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'),
  'sower',
)

/**
 * One line for the person who started the script. On stderr: stdout belongs to the program that is started.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`sower: ${line}\n`)
}

/**
 * Ends the script with a sentence instead of a stack trace.
 * @param {string} sentence
 * @returns {never}
 */
export function giveUp(sentence) {
  say(sentence)
  process.exit(1)
}

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, isQuiet?: boolean, timeoutMs?: number }} [options]
 *   quiet: the output is kept back and only shown when the program fails
 * @returns {boolean} whether it ended with status 0
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? projectRoot,
    env: options.env ?? process.env,
    // The program's stdout goes to our stderr for the reason given at say().
    stdio: options.isQuiet ? ['ignore', 'pipe', 'pipe'] : ['inherit', 2, 2],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: options.timeoutMs,
    shell: process.platform === 'win32' && command === 'npm',
  })
  if (result.status === 0) return true
  if (options.isQuiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  return false
}

/**
 * Starts a program in our place: same terminal, signals passed on, and its end is ours.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} the exit status; 128 + the signal's number when it was killed
 */
export function become(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: process.cwd(), env, stdio: 'inherit' })
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => child.kill(signal)
    for (const signal of signals) process.on(signal, passOn)
    child.on('error', reject)
    child.on('exit', (status, signal) => {
      for (const name of signals) process.off(name, passOn)
      resolve(status ?? 128 + (signal ? os.constants.signals[signal] : 0))
    })
  })
}

/**
 * Whether a command can be found on PATH.
 * @param {string} command
 */
export function hasCommand(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0
}
