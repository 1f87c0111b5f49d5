import type { Log } from '../ports/log.ts'
import { decideRange, isNoneMatch, isRangeFresh } from './byte-range.ts'
import type { ByteRange } from './byte-range.ts'
import { BufferPool, FileShrankError, sendBytes } from './byte-sender.ts'
import type { Exchange } from './exchange.ts'
import { cacheHeaders, rangeNotSatisfiable, typeHeaders } from './media-headers.ts'
import type { MediaRow, MediaShelf, OpenedMedia } from './ports.ts'

export interface SendingOptions {
  readonly isCounted: boolean
  readonly mayGoOn?: () => boolean
}

/** Answers GET and HEAD of an item's stored bytes. */
export class MediaResponder {
  readonly #library: MediaShelf
  readonly #log: Log
  readonly #pool = new BufferPool()

  constructor(library: MediaShelf, log: Log) {
    this.#library = library
    this.#log = log
  }

  /**
   * @param options.isCounted whether these bytes go to somebody else, and count as uploaded
   * @param options.mayGoOn asked while sending; once it says no, the connection is cut
   * @throws {AppError} what `library.openFile` refuses with; nothing has been sent then
   */
  async respond(exchange: Exchange, row: MediaRow, options: SendingOptions): Promise<void> {
    const { req, res, method } = exchange
    const etag = `"${row.mediaId}"`
    const headers = cacheHeaders(etag, row.accessLevel === 'public')
    // The id is the hash of the bytes: a copy under this tag is right for ever, whatever our own file is like now.
    if (isNoneMatch(req.headers['if-none-match'], etag)) {
      res.writeHead(304, headers)
      res.end()
      return
    }
    const opened = await this.#library.openFile(row.mediaId)
    try {
      const { sizeBytes } = opened
      const isRangeHeard = method === 'GET' && isRangeFresh(req.headers['if-range']?.toString(), etag)
      const decision = decideRange(isRangeHeard ? req.headers.range : undefined, sizeBytes)
      if (decision.kind === 'unsatisfiable') throw rangeNotSatisfiable(sizeBytes)
      const isPart = decision.kind === 'part'
      const range = isPart ? decision.range : { start: 0, endExclusive: sizeBytes }
      res.writeHead(isPart ? 206 : 200, {
        ...headers,
        ...typeHeaders(row, row.mediaId),
        'content-length': range.endExclusive - range.start,
        ...(isPart ? { 'content-range': `bytes ${range.start}-${range.endExclusive - 1}/${sizeBytes}` } : {}),
      })
      if (method === 'HEAD') res.end()
      else await this.#sendBody(exchange, row, opened, range, options)
    } finally {
      await opened.handle.close()
    }
  }

  async #sendBody(
    { res }: Exchange,
    row: MediaRow,
    { handle }: OpenedMedia,
    range: ByteRange,
    { isCounted, mayGoOn }: SendingOptions,
  ): Promise<void> {
    let sentBytes = 0
    try {
      await sendBytes({
        handle,
        out: res,
        ...range,
        pool: this.#pool,
        onSent: (bytes) => {
          sentBytes += bytes
          if (mayGoOn?.() === false) throw new Error('sharing was paused')
        },
      })
      res.end()
    } catch (error) {
      // A cut connection is the only way left to say that this answer is not whole.
      res.destroy()
      if (error instanceof FileShrankError) this.#log.warn('http.file-shrank', { mediaId: row.mediaId })
      else this.#log.debug('http.send-cut', { mediaId: row.mediaId, sentBytes, error })
    } finally {
      if (isCounted && sentBytes > 0) {
        this.#library.addUploaded(row.mediaId, sentBytes)
        this.#library.touchServed(row.mediaId)
      }
    }
  }
}
