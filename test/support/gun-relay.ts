import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'

const PROGRAM = fileURLToPath(new URL('./gun-relay-process.ts', import.meta.url))

export interface Relay extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/**
 * Starts the gun package's own relay.
 * @param options.axe with its router, which passes on only what somebody asked for
 */
export async function startRelay(dir: string, { port = 0, axe = false } = {}): Promise<Relay> {
  const env = { RELAY_AXE: axe ? 'on' : 'off' }
  const child = new Child(process.execPath, [PROGRAM, dir, String(port)], { cwd: dir, env })
  const line = await child.line((text) => text.startsWith('listening '))
  const bound = Number(line.slice('listening '.length))
  return {
    url: `http://127.0.0.1:${bound}/gun`,
    port: bound,
    pid: child.process.pid ?? 0,
    stop: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  }
}
