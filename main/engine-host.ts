import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { utilityProcess } from 'electron'
import type { UtilityProcess } from 'electron'
import type { FromEngine, ToEngine } from '../app/contract/index.ts'
import type { HostKind } from './host-kind.ts'

/** The engine's process as the supervisor sees it, whichever way it was started. */
export interface EngineHost {
  readonly pid: number | undefined
  post(message: ToEngine): void
  onMessage(listener: (message: FromEngine) => void): void
  onExit(listener: (code: number | null) => void): void
  /** Ends it at once (SIGKILL where there is one). */
  kill(): void
}

/**
 * Starts the engine's entry file.
 * @param entry absolute path of the built engine
 */
export function startEngineHost(kind: HostKind, entry: string): EngineHost {
  return kind === 'utility'
    ? hostInUtilityProcess(entry)
    : hostInChildProcess(entry, process.env['SOWER_NODE'] ?? '')
}

function hostInUtilityProcess(entry: string): EngineHost {
  const child: UtilityProcess = utilityProcess.fork(entry, [], {
    serviceName: 'Sower engine',
    stdio: 'inherit',
  })
  return {
    get pid() {
      return child.pid
    },
    post: (message) => child.postMessage(message),
    onMessage: (listener) => child.on('message', (message: FromEngine) => listener(message)),
    onExit: (listener) => child.once('exit', (code) => listener(code)),
    kill: () => {
      if (child.pid === undefined) child.kill()
      else process.kill(child.pid, 'SIGKILL')
    },
  }
}

function hostInChildProcess(entry: string, execPath: string): EngineHost {
  const child: ChildProcess = fork(entry, [], {
    execPath,
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exitListeners = new Set<(code: number | null) => void>()
  let isGone = false
  const exited = (code: number | null): void => {
    if (isGone) return
    isGone = true
    for (const listener of exitListeners) listener(code)
  }
  child.once('exit', exited)
  // The executable itself could not be started: there will be no 'exit'.
  child.once('error', () => exited(null))
  return {
    get pid() {
      return child.pid
    },
    post: (message) => {
      // The callback takes the error of a pipe that closes meanwhile; 'exit' tells the rest.
      if (child.connected) child.send(message, () => undefined)
    },
    onMessage: (listener) => child.on('message', (message) => listener(message as FromEngine)),
    onExit: (listener) => exitListeners.add(listener),
    kill: () => child.kill('SIGKILL'),
  }
}
