import { execFile } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface FaultPlan {
  /** Only calls on files below this folder count. */
  readonly dir: string
  /** The call to act on, from 1; none without it. */
  readonly at?: number
  /** What the call answers with; without it the process is killed (SIGKILL) instead of making the call. */
  readonly errno?: number
  /** Which calls count. @defaultValue all */
  readonly ops?: readonly ('write' | 'sync' | 'truncate' | 'rename' | 'unlink' | 'rmdir' | 'mkdir')[]
  /** The call `at` (a write) takes only half of its bytes, and the one after it answers `errno`. */
  readonly isShort?: boolean
  /** Gets a line per call. */
  readonly log?: string
}

export interface ChildResult {
  readonly stdout: string
  readonly stderr: string
  /** `null` when it was killed. */
  readonly code: number | null
}

/** Compiles the shim into `dir` (needs gcc, as Debian's build-essential has it). @returns the library's path */
export async function buildShim(dir: string): Promise<string> {
  const source = fileURLToPath(new URL('file-faults.c', import.meta.url))
  const library = path.join(dir, 'file-faults.so')
  await run('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl'])
  return library
}

/** Runs a TypeScript file under this Node with the shim loaded. */
export async function runWithFaults(
  shim: string,
  plan: FaultPlan,
  [script, ...args]: readonly [string, ...string[]],
): Promise<ChildResult> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    LD_PRELOAD: shim,
    FILE_FAULTS_DIR: plan.dir,
    ...(plan.at === undefined ? {} : { FILE_FAULTS_AT: String(plan.at) }),
    ...(plan.errno === undefined ? {} : { FILE_FAULTS_ERRNO: String(plan.errno) }),
    ...(plan.ops === undefined ? {} : { FILE_FAULTS_OPS: plan.ops.join(',') }),
    ...(plan.isShort === true ? { FILE_FAULTS_SHORT: '1' } : {}),
    ...(plan.log === undefined ? {} : { FILE_FAULTS_LOG: plan.log }),
  }
  try {
    const { stdout, stderr } = await run(process.execPath, [script, ...args], { env, timeout: 60_000 })
    return { stdout, stderr, code: 0 }
  } catch (error) {
    // What execFile rejects with when the child did not end well.
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number | null }
    return { stdout, stderr, code }
  }
}

/** The calls a run made, in order, without numbers. */
export async function readCalls(log: string): Promise<string[]> {
  const lines = (await fs.readFile(log, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => line.replace(/^\d+ /, ''))
}
