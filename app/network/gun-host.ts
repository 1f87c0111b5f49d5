import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { FromGun } from './gun-protocol.ts'
import type { ToGun } from './gun-protocol.ts'

/** GUN's process, whichever way it was started. */
export interface GunHost {
  /** What it is: a process of its own, or a thread where no process can be started. */
  readonly kind: 'process' | 'thread'
  readonly pid: number | undefined
  post(message: ToGun): void
  onMessage(listener: (message: FromGun) => void): void
  /** Told once, whatever the cause. */
  onExit(listener: (cause: string) => void): void
  /** Ends it at once. */
  kill(): void
}

export interface GunHostOptions {
  /** MiB of heap at which it is ended (and started again, empty). */
  readonly heapMiB: number
  /** @defaultValue a process where this is Node itself, a thread inside Electron */
  readonly kind?: 'process' | 'thread' | undefined
}

/** Characters of what it said on standard error before it ended. */
const LAST_WORDS = 1_500

/** From source the entry is a `.ts` file beside this one; in the build a `.js` file beside the bundle. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './gun-process.ts' : './gun-process.js',
  import.meta.url,
)

/**
 * Starts GUN. A released app runs the engine inside Electron, whose binary is no Node (its `runAsNode` fuse is off), so a
 * process can't be forked there: it becomes a worker thread with the same cap on its heap.
 */
export function startGunHost({ heapMiB, kind }: GunHostOptions): GunHost {
  const chosen = kind ?? (process.versions['electron'] === undefined ? 'process' : 'thread')
  return chosen === 'process' ? hostInProcess(heapMiB) : hostInThread(heapMiB)
}

function hostInProcess(heapMiB: number): GunHost {
  const child = fork(fileURLToPath(entry), [], {
    execArgv: [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=8'],
    serialization: 'advanced',
    // GUN talks; of that only the last words before an end are of use.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // It needs nothing of this process's environment, and some of that is secret.
    env: bareEnvironment(),
  })
  const exit = onceOnly<string>()
  let lastWords = ''
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => (lastWords = (lastWords + text).slice(-LAST_WORDS)))
  // 'close' and not 'exit': by then what it said is here too.
  child.once('close', (code, signal) =>
    exit.tell(`${signal ?? `exit code ${code}`} ${oneLine(lastWords)}`.trim()),
  )
  // The executable itself could not be started: there will be no 'exit'.
  child.once('error', (error) => exit.tell(error.message))
  const kill = (): void => void child.kill('SIGKILL')
  return {
    kind: 'process',
    get pid() {
      return child.pid
    },
    post: (message) => {
      // The callback takes the error of a pipe that closes meanwhile; 'exit' tells the rest.
      if (child.connected) child.send(message, () => undefined)
    },
    onMessage: (listener) => child.on('message', understood(listener, kill)),
    onExit: exit.listen,
    kill,
  }
}

function hostInThread(heapMiB: number): GunHost {
  const worker = new Worker(entry, {
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: 24 },
    stdout: true,
    stderr: true,
    env: {},
  })
  worker.stdout.resume()
  worker.stderr.resume()
  const exit = onceOnly<string>()
  worker.once('error', (error) => exit.tell(error instanceof Error ? error.message : 'failed'))
  worker.once('exit', (code) => exit.tell(`exit code ${code}`))
  const kill = (): void => void worker.terminate()
  return {
    kind: 'thread',
    pid: undefined,
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.on('message', understood(listener, kill)),
    onExit: exit.listen,
    kill,
  }
}

/** A process that says what no message is has lost its mind: it is ended, and started anew like any that ended. */
function understood(listener: (message: FromGun) => void, kill: () => void): (raw: unknown) => void {
  return (raw) => {
    const message = FromGun.safeParse(raw)
    if (message.success) listener(message.data)
    else kill()
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** What a program needs to start at all. */
function bareEnvironment(): Record<string, string> {
  const names = ['PATH', 'SystemRoot', 'TEMP', 'TMPDIR', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function onceOnly<T>(): { tell: (value: T) => void; listen: (listener: (value: T) => void) => void } {
  const listeners = new Set<(value: T) => void>()
  let isTold = false
  return {
    tell: (value) => {
      if (isTold) return
      isTold = true
      for (const listener of listeners) listener(value)
    },
    listen: (listener) => void listeners.add(listener),
  }
}
