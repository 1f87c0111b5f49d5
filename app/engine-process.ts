/**
 * Entry of the engine's own process, started by the main process through `utilityProcess` or `child_process.fork`.
 * It speaks the messages of `contract/process.ts` and nothing else.
 */
import { dispatch } from './contract-dispatch.ts'
import { AppError, engineEvents, toErrorShape } from './contract/index.ts'
import type { EngineEventName, EngineStartOptions, FromEngine, ToEngine } from './contract/index.ts'
import { Engine } from './engine.ts'
import { castLastNet } from './last-net.ts'
import { silentLog } from './ports/log.ts'

interface Port {
  send(message: FromEngine): void
  onMessage(listener: (message: ToEngine) => void): void
  onParentGone(listener: () => void): void
}

/** `process.parentPort` exists only under Electron's `utilityProcess`; its types live in Electron, which `app/` does not know. */
interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
}

function openPort(): Port {
  const parentPort = (process as { parentPort?: ParentPort }).parentPort
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data as ToEngine)),
      onParentGone: () => undefined,
    }
  }
  if (!process.send)
    throw new Error('The engine process is started by Sower itself; use `sower serve` to run a node.')
  const send = process.send.bind(process)
  return {
    send: (message) => {
      if (process.connected) send(message)
    },
    onMessage: (listener) => process.on('message', (message) => listener(message as ToEngine)),
    onParentGone: (listener) => process.on('disconnect', listener),
  }
}

let engine: Engine | undefined
const unheardErrors = castLastNet(() => engine?.log ?? silentLog)
const port = openPort()

async function start(options: EngineStartOptions): Promise<void> {
  const starting = new Engine({ ...options, env: process.env, unheardErrors })
  engine = starting
  try {
    for (const name of Object.keys(engineEvents) as EngineEventName[]) {
      starting.on(name, (payload) => port.send({ type: 'event', name, payload }))
    }
    const addresses = await starting.start()
    port.send({ type: 'ready', addresses })
  } catch (error) {
    if (!(error instanceof AppError)) starting.log.error('engine.start-bug', { error })
    port.send({ type: 'failed', error: toErrorShape(error), dataDir: starting.dataDir })
    await stop()
  }
}

let stopping: Promise<void> | undefined
function stop(): Promise<void> {
  stopping ??= (async () => {
    await engine?.stop()
    port.send({ type: 'stopped' })
    // Messages still in the pipe leave before the process does.
    setTimeout(() => process.exit(0), 50)
  })()
  return stopping
}

/** Never rejects, whatever is asked and however early or late: what can't be said to the other process is in the log. */
async function answer({ id, name, args }: Extract<ToEngine, { type: 'call' }>): Promise<void> {
  const running = engine
  if (!running) return
  try {
    port.send({ type: 'reply', id, reply: await dispatch(running.handlers, name, args, running.log) })
  } catch (error) {
    if (!(error instanceof AppError)) running.log.error('engine.reply-failed', { name, error })
    port.send({ type: 'reply', id, reply: { ok: false, error: toErrorShape(error) } })
  }
}

port.onMessage((message) => {
  switch (message.type) {
    case 'start':
      void start(message.options)
      break
    case 'call':
      void answer(message)
      break
    case 'stop':
      void stop()
      break
  }
})
// The window's process died without saying goodbye: stop cleanly rather than live on unseen.
port.onParentGone(() => void stop())
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())
port.send({ type: 'booted' })
