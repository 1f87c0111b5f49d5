#!/usr/bin/env node
// Plain JavaScript for any Node from 18 on: finds a Node that can run the rest, and says so when there is none.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const root = resolve(dirname(self), '../..')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// The first Node that reads TypeScript without a flag and without a warning.
const isNewEnough = major > 22 || (major === 22 && minor >= 18)

if (!existsSync(join(root, 'node_modules', 'commander'))) {
  giveUp(`Sower’s packages are not installed yet. Run “npm ci” in ${root} first.`)
} else if (isNewEnough) {
  keepCompiled()
  await import('./main.ts')
} else {
  const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(node)) runWith(node)
  else
    giveUp(`Sower needs Node 22.18 or newer; this is ${process.version}. Run “npm ci” in ${root} to get one.`)
}

/**
 * Keeps what Node compiles, which makes every command start in two thirds of the time. In a folder of the user's own: compiled code
 * that others can write is code of theirs. Workers and processes that are started from here find it in the environment.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return
  const caches = process.env.XDG_CACHE_HOME || process.env.LOCALAPPDATA || join(homedir(), '.cache')
  const { directory } = nodeModule.enableCompileCache?.(join(caches, 'sower', 'compiled')) ?? {}
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE = dirname(directory)
}

/** @param {string} node */
function runWith(node) {
  // The channel tells the child when this process is gone, even if it was killed.
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child by itself; twice would mean “at once”.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => giveUp(`Node could not be started: ${error.message}`))
  child.on('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 143)))
}

/** @param {string} sentence */
function giveUp(sentence) {
  const isJson = process.argv.includes('--json')
  process.stderr.write(
    isJson ? `${JSON.stringify({ code: 'UNAVAILABLE', message: sentence })}\n` : `sower: ${sentence}\n`,
  )
  process.exitCode = 1
}
