import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { AppError } from '../contract/index.ts'

export interface MinRate {
  readonly bytesPerSec: number
  /** Judged over this much time of waiting for the source. @defaultValue 15 000 */
  readonly overMs?: number
}

interface BodyLimits {
  readonly host: string
  readonly maxBytes: number
  readonly idleTimeoutMs: number
  readonly minRate?: MinRate | undefined
  /** Called once when the body has ended, failed or was given up. */
  readonly onClose: () => void
  readonly describe: (error: unknown) => AppError
}

/**
 * The body of a response as a stream with back-pressure that fails when it is longer than allowed, shorter
 * than announced, silent or too slow. Time in which the reader does not want bytes is not held against the source.
 */
export function guardedBody(response: IncomingMessage, limits: BodyLimits): Readable {
  const rateWindowMs = limits.minRate?.overMs ?? 15_000
  let received = 0
  let windowBytes = 0
  let windowMs = 0
  let flowingSince: number | null = null
  let idle: NodeJS.Timeout | undefined
  let slow: NodeJS.Timeout | undefined

  const settle = (): void => {
    if (flowingSince === null) return
    const now = performance.now()
    windowMs += now - flowingSince
    flowingSince = now
  }
  const wait = (): void => {
    flowingSince ??= performance.now()
    idle ??= setTimeout(() => fail(silent(limits.host, limits.idleTimeoutMs)), limits.idleTimeoutMs)
    if (limits.minRate !== undefined) slow ??= setTimeout(judgeRate, Math.max(1, rateWindowMs - windowMs))
  }
  const rest = (): void => {
    settle()
    flowingSince = null
    clearTimeout(idle)
    clearTimeout(slow)
    idle = undefined
    slow = undefined
  }
  const judgeRate = (): void => {
    slow = undefined
    settle()
    if (limits.minRate === undefined) return
    if (windowMs + 1 >= rateWindowMs) {
      if (windowBytes < (limits.minRate.bytesPerSec * windowMs) / 1000) {
        fail(
          new AppError('TIMEOUT', `${limits.host} sends too slowly to go on with.`, {
            hint: 'Try again later, or use another source.',
          }),
        )
        return
      }
      windowBytes = 0
      windowMs = 0
    }
    if (flowingSince !== null) slow = setTimeout(judgeRate, Math.max(1, rateWindowMs - windowMs))
  }

  const body = new Readable({
    highWaterMark: 256 * 1024,
    read() {
      wait()
      response.resume()
    },
    destroy(error, done) {
      rest()
      response.destroy()
      limits.onClose()
      done(error)
    },
  })
  const fail = (error: AppError): void => void body.destroy(error)
  // It may fail or be given up before anybody reads it; whoever reads it then is told. Unheard it would end the process.
  body.on('error', () => undefined)

  response.on('data', (chunk: Buffer) => {
    received += chunk.length
    windowBytes += chunk.length
    idle?.refresh()
    if (received > limits.maxBytes) fail(tooLarge(limits.host, limits.maxBytes))
    else if (!body.push(chunk)) {
      response.pause()
      rest()
    }
  })
  response.on('end', () => {
    rest()
    body.push(null)
  })
  response.on('error', (error) => fail(limits.describe(error)))
  response.on('close', () => {
    if (!response.complete && !body.destroyed) fail(limits.describe(new Error('aborted')))
  })
  response.pause()
  return body
}

export function tooLarge(host: string, maxBytes: number): AppError {
  return new AppError(
    'PAYLOAD_TOO_LARGE',
    `${host} sends more than the ${maxBytes} bytes that are allowed here.`,
  )
}

export function silent(host: string, idleTimeoutMs: number): AppError {
  return new AppError('TIMEOUT', `${host} has sent nothing for ${Math.ceil(idleTimeoutMs / 1000)} seconds.`, {
    hint: 'Try again later, or use another source.',
  })
}
