import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { AppError, fromErrorShape } from '../contract/index.ts'
import type {
  EngineArgs,
  EngineCallName,
  EngineEventName,
  EngineEventPayload,
  EngineResult,
  Reply,
} from '../contract/index.ts'
import type { NodeConnection } from './connection.ts'
import type { RunningNode } from './node-file.ts'

type AnyListener = (payload: unknown) => void

/** For saying how it is, which costs a node nothing: one that does not do it by then hangs, or was suspended. */
const ANSWER_MS = 15_000
/** A call may take as long as it takes; meanwhile the node is asked so often whether it still answers. */
const ASK_EVERY_MS = 15_000
/** When the user has had enough: for what is still to be said to the node. */
const ENDING_MS = 3000

/** A node in another process, through its control listener. */
export class HttpNode implements NodeConnection {
  readonly isRunning = true
  readonly #node: RunningNode
  readonly #signal: AbortSignal | undefined
  readonly #listeners = new Map<EngineEventName, Set<AnyListener>>()
  #events: IncomingMessage | undefined
  #isClosed = false

  /** @param signal fires when the user has had enough */
  constructor(node: RunningNode, signal?: AbortSignal) {
    this.#node = node
    this.#signal = signal
  }

  async call<N extends EngineCallName>(name: N, args: EngineArgs<N>): Promise<EngineResult<N>> {
    const limit = new AbortController()
    const giveUp = (): void => limit.abort(silent())
    const watching =
      name === 'node.status'
        ? setTimeout(giveUp, ANSWER_MS)
        : setInterval(() => void this.#probe(limit), ASK_EVERY_MS)
    let ending: NodeJS.Timeout | undefined
    const end = (): void => void (ending = setTimeout(giveUp, ENDING_MS))
    if (this.#signal?.aborted === true) end()
    else this.#signal?.addEventListener('abort', end, { once: true })
    try {
      return await this.#call(name, args, limit.signal)
    } finally {
      clearTimeout(watching)
      clearTimeout(ending)
      this.#signal?.removeEventListener('abort', end)
    }
  }

  /** Ends what waits for a node that is not there any more. */
  async #probe(limit: AbortController): Promise<void> {
    try {
      await this.call('node.status', {})
    } catch (error) {
      if (error instanceof AppError && (error.code === 'TIMEOUT' || error.code === 'NODE_NOT_RUNNING'))
        limit.abort(error)
    }
  }

  async #call<N extends EngineCallName>(
    name: N,
    args: EngineArgs<N>,
    limit: AbortSignal,
  ): Promise<EngineResult<N>> {
    const chunks: Buffer[] = []
    try {
      const response = await this.#send('POST', `/rpc/${name}`, JSON.stringify(args), limit)
      for await (const chunk of response) chunks.push(chunk as Buffer)
    } catch (cause) {
      throw limit.aborted ? limit.reason : gone(cause)
    }
    const reply = parseReply(Buffer.concat(chunks).toString('utf8'))
    if (!reply.ok) throw fromErrorShape(reply.error)
    // Our own node answers with what the contract says for this very name.
    return reply.value as EngineResult<N>
  }

  on<N extends EngineEventName>(name: N, listener: (payload: EngineEventPayload<N>) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    // The stream names every payload by its event.
    const any = listener as AnyListener
    listeners.add(any)
    if (this.#listeners.size === 1 && listeners.size === 1) void this.#listen()
    return () => listeners.delete(any)
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#events?.destroy()
    return Promise.resolve()
  }

  /** Events only make progress smooth: callers also ask, so a stream that ends is not an error. */
  async #listen(): Promise<void> {
    try {
      const stream = await this.#send('GET', '/events', undefined)
      this.#events = stream
      if (this.#isClosed) stream.destroy()
      stream.setEncoding('utf8')
      let pending = ''
      for await (const chunk of stream) {
        const messages = (pending + String(chunk)).split('\n\n')
        pending = messages.pop() ?? ''
        for (const message of messages) this.#deliver(message)
      }
    } catch {
      // The next call says what is wrong with the node, if anything is.
    }
  }

  #deliver(message: string): void {
    const name = /^event: ?(.*)$/m.exec(message)?.[1]
    const data = /^data: ?(.*)$/m.exec(message)?.[1]
    if (name === undefined || data === undefined) return
    const payload: unknown = JSON.parse(data)
    for (const [known, listeners] of this.#listeners) {
      if (known === name) for (const listener of listeners) listener(payload)
    }
  }

  #send(
    method: string,
    path: string,
    body: string | undefined,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { controlUrl, controlToken } = this.#node
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${controlToken}`,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      }
      const sent = request(new URL(path, controlUrl), { method, agent: false, headers, signal }, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

function parseReply(text: string): Reply<unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('INTERNAL', 'The running node answered with something that is not JSON.', { cause })
  }
  if (typeof value === 'object' && value !== null) {
    // Either our own reply, or a problem document (RFC 9457) from a guard in front of it.
    if ('ok' in value) return value as Reply<unknown>
    if ('code' in value && typeof value.code === 'string') return { ok: false, error: problemShape(value) }
  }
  throw new AppError('INTERNAL', 'The running node answered with something Sower does not know.')
}

function problemShape(problem: object): Extract<Reply<unknown>, { ok: false }>['error'] {
  const { code, detail, message, title, hint } = problem as Record<string, unknown>
  const words = [detail, message, title].find((text) => typeof text === 'string')
  return {
    // fromErrorShape turns a code it does not know into INTERNAL.
    code: code as Extract<Reply<unknown>, { ok: false }>['error']['code'],
    message: String(words ?? 'The running node refused the request.'),
    ...(typeof hint === 'string' ? { hint } : {}),
  }
}

function silent(): AppError {
  return new AppError('TIMEOUT', 'The node does not answer. What it had stored is safe.', {
    hint: 'It may be suspended, or hang: look after its process, end it if need be, then run the command again.',
  })
}

function gone(cause: unknown): AppError {
  return new AppError(
    'NODE_NOT_RUNNING',
    'The node stopped, or does not answer. What it had stored is safe.',
    {
      hint: 'Run the command again.',
      cause,
    },
  )
}
