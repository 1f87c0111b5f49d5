import type { IncomingMessage } from 'node:http'
import { AppError } from '../contract/index.ts'
import { isNestedTooDeeply } from '../manifest/index.ts'
import { HttpProblem } from './exchange.ts'
import type { Exchange } from './exchange.ts'

/** The media type of the body, lower case, without parameters. */
export function bodyType(req: IncomingMessage): string {
  return (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** What Content-Length promises; `undefined` for a chunked body. */
export function declaredBytes(req: IncomingMessage): number | undefined {
  const length = req.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

export function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'PAYLOAD_TOO_LARGE',
    `That is more than the ${formatBytes(maxBytes)} this node takes.`,
    {
      details: { maxBytes },
    },
  )
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Math.round((bytes / 2 ** (10 * power)) * 10) / 10} ${units[power]}`
}

export function tooSlow(): HttpProblem {
  return new HttpProblem(new AppError('TIMEOUT', 'The request’s body came too slowly; nothing was kept.'), {
    status: 408,
    headers: { connection: 'close' },
  })
}

/** Lets a client that asked first send its body now. */
export function inviteBody({ res, isContinueExpected }: Exchange): void {
  if (isContinueExpected) res.writeContinue()
}

/**
 * A JSON body, held in memory: for small ones.
 * @throws {AppError} `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `TIMEOUT`, `CANCELLED`, or `BAD_REQUEST` when it isn't JSON,
 * or is nested too deeply
 */
export async function readJson(exchange: Exchange, maxBytes: number, timeoutMs: number): Promise<unknown> {
  const { req } = exchange
  if (bodyType(req) !== 'application/json') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'This takes a body of type application/json.')
  }
  if ((declaredBytes(req) ?? 0) > maxBytes) throw tooLarge(maxBytes)
  inviteBody(exchange)
  const text = (await readAll(req, maxBytes, timeoutMs)).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new AppError('BAD_REQUEST', 'The body is not valid JSON.', { cause: error })
  }
  if (isNestedTooDeeply(value)) throw new AppError('BAD_REQUEST', 'The body is nested too deeply.')
  return value
}

function readAll(req: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('close', onClose)
      if (error) reject(error)
      else resolve(Buffer.concat(chunks))
    }
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.byteLength
      if (sizeBytes > maxBytes) settle(tooLarge(maxBytes))
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle()
    const onClose = (): void =>
      settle(new AppError('CANCELLED', 'The request was cut off; nothing was kept.'))
    const timer = setTimeout(() => settle(tooSlow()), timeoutMs)
    req.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/**
 * Watches that a body arrives at a minimum pace, instead of limiting its total time. Time in which we ourselves hold it back does
 * not count against the client.
 * @param onTooSlow called at most once
 * @returns stops watching
 */
export function watchPace(
  req: IncomingMessage,
  minRateBytesPerSec: number,
  windowMs: number,
  onTooSlow: () => void,
): () => void {
  let bytesAtStart = req.socket.bytesRead
  const timer = setInterval(() => {
    const received = req.socket.bytesRead - bytesAtStart
    bytesAtStart = req.socket.bytesRead
    const isHeldBack = req.isPaused() || req.readableLength > 0
    if (isHeldBack || req.complete || received >= (minRateBytesPerSec * windowMs) / 1000) return
    clearInterval(timer)
    onTooSlow()
  }, windowMs)
  return () => clearInterval(timer)
}
