import type { Writable } from 'node:stream'
import type { Log } from '../ports/log.ts'
import type { PlainFile } from '../ports/plain-file.ts'
import { BufferPool } from './byte-sender.ts'
import { decideRange, isRangeFresh } from './byte-range.ts'
import { ChunkSender } from './chunk-sender.ts'
import { whileWorking } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { cacheHeaders, rangeNotSatisfiable, typeHeaders } from './media-headers.ts'

/** Answers GET and HEAD with a file as its owner sees it: decrypted, perhaps still arriving. For the control listener alone. */
export class PlainResponder {
  readonly #log: Log
  readonly #idleTimeoutMs: number
  readonly #pool = new BufferPool()

  /** @param idleTimeoutMs how long whoever was promised bytes may take none */
  constructor(log: Log, idleTimeoutMs: number) {
    this.#log = log
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /**
   * @param id names it where it has no name, and its representation for If-Range; the plaintext's hash stays secret
   * @param file closed when this returns
   * @throws {AppError} `RANGE_NOT_SATISFIABLE`, and what reading the first bytes fails with; nothing has been sent then
   */
  async respond(exchange: Exchange, id: string, file: PlainFile): Promise<void> {
    try {
      await this.#respond(exchange, id, file)
    } finally {
      await file.close()
    }
  }

  async #respond({ req, res, method }: Exchange, id: string, file: PlainFile): Promise<void> {
    const { sizeBytes } = file
    const etag = `"${id}-plain"`
    const isRangeHeard = method === 'GET' && isRangeFresh(req.headers['if-range']?.toString(), etag)
    const decision = decideRange(isRangeHeard ? req.headers.range : undefined, sizeBytes)
    if (decision.kind === 'unsatisfiable') throw rangeNotSatisfiable(sizeBytes)
    const isPart = decision.kind === 'part'
    const { start, endExclusive } = isPart ? decision.range : { start: 0, endExclusive: sizeBytes }
    const abort = new AbortController()
    const onClose = (): void => abort.abort()
    res.once('close', onClose)
    const bytes = file.read(start, endExclusive, abort.signal, true)[Symbol.asyncIterator]()
    try {
      // What can't be read at all is said before anything is promised. Bytes of a download may be long in coming.
      const first =
        method === 'HEAD' ? undefined : await whileWorking({ req }, this.#idleTimeoutMs, () => bytes.next())
      res.writeHead(isPart ? 206 : 200, {
        ...cacheHeaders(etag, false),
        ...typeHeaders(file, id),
        'content-length': endExclusive - start,
        ...(isPart ? { 'content-range': `bytes ${start}-${endExclusive - 1}/${sizeBytes}` } : {}),
      })
      if (first !== undefined) {
        await this.#send(id, first, bytes, new ChunkSender(res, this.#pool, endExclusive - start), res)
      }
      if (!res.destroyed) res.end()
    } finally {
      res.off('close', onClose)
      await bytes.return?.()
    }
  }

  async #send(
    id: string,
    first: IteratorResult<Uint8Array>,
    bytes: AsyncIterator<Uint8Array>,
    sender: ChunkSender,
    out: Writable,
  ): Promise<void> {
    try {
      for (let next = first; next.done !== true; next = await bytes.next()) await sender.write(next.value)
      await sender.end()
    } catch (error) {
      // A cut connection is the only way left to say that this answer is not whole.
      if (!out.destroyed) this.#log.warn('http.plain-cut', { id, error })
      out.destroy()
    } finally {
      sender.close()
    }
  }
}
