import { Busboy } from '@fastify/busboy'
import type { BusboyFileStream, BusboyInstance } from '@fastify/busboy'
import { Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { AppError } from '../contract/index.ts'
import { tooLarge } from './body.ts'

export interface FormLimits {
  readonly fields: number
  readonly fieldBytes: number
  readonly fileBytes: number
}

export interface FormFile {
  readonly stream: Readable
  /** As the client wrote it, without folders; perhaps empty. */
  readonly fileName: string
}

export interface FormHandlers {
  /** Called for each field as it comes, the file's successors too. */
  readonly onField: (name: string, value: string) => void
  /**
   * Called when the file begins. Its stream ends only when the whole form has arrived and held; whatever goes wrong before
   * that destroys it with the cause.
   */
  readonly onFile: (file: FormFile) => void
}

/** Passes a file on, but ends only when the form around it has ended. */
class HeldFile extends Transform {
  readonly #formEnded: Promise<void>
  readonly #maxBytes: number
  #bytes = 0

  constructor(formEnded: Promise<void>, maxBytes: number) {
    super({ highWaterMark: 1024 * 1024 })
    this.#formEnded = formEnded
    this.#maxBytes = maxBytes
  }

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error: Error | null, data?: Buffer) => void,
  ): void {
    this.#bytes += chunk.byteLength
    if (this.#bytes > this.#maxBytes) done(tooLarge(this.#maxBytes))
    else done(null, chunk)
  }

  override _flush(done: (error?: Error | null) => void): void {
    void this.#endWithForm(done)
  }

  async #endWithForm(done: (error?: Error | null) => void): Promise<void> {
    let failure: Error | null = null
    try {
      await this.#formEnded
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
    }
    done(failure)
  }
}

/** A multipart/form-data body with one file, read as it arrives; nothing of the file is kept in memory. */
export class UploadForm {
  readonly #req: IncomingMessage
  readonly #limits: FormLimits
  readonly #ended = Promise.withResolvers<void>()
  #file: HeldFile | undefined
  #isSettled = false
  #isWhole = false

  constructor(req: IncomingMessage, limits: FormLimits) {
    this.#req = req
    this.#limits = limits
    // Whoever reads the form awaits `receive`; the file's stream may be gone before it looks at this.
    this.#ended.promise.catch(() => undefined)
  }

  /** Whether all of it has arrived, and held. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /**
   * Reads the form to its end.
   * @throws {AppError} `BAD_REQUEST` for a broken form, too many or too large fields, a second file; `PAYLOAD_TOO_LARGE`;
   *   `CANCELLED` when the client goes away; or what `fail` was given
   */
  async receive(handlers: FormHandlers): Promise<void> {
    const form = this.#open()
    this.#wire(form, handlers)
    // A request closes when it has been read to its end, too.
    const onClose = (): void => {
      if (!this.#req.complete) this.fail(cutOff())
    }
    this.#req.once('close', onClose)
    this.#req.pipe(form)
    try {
      await this.#ended.promise
    } finally {
      this.#req.off('close', onClose)
    }
  }

  /** Stops reading and lets the file's stream and `receive` fail with `error`; the first call counts. */
  fail(error: Error): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#req.unpipe()
    this.#ended.reject(error)
    this.#file?.destroy(error)
  }

  #open(): BusboyInstance {
    const { fields, fieldBytes } = this.#limits
    try {
      return new Busboy({
        headers: { ...this.#req.headers, 'content-type': this.#req.headers['content-type'] ?? '' },
        // The form's own file goes on to HeldFile, which counts its bytes.
        limits: {
          files: 1,
          fields,
          parts: fields + 2,
          fieldSize: fieldBytes,
          headerPairs: 16,
          headerSize: 2048,
        },
        highWaterMark: 1024 * 1024,
        fileHwm: 1024 * 1024,
      })
    } catch (error) {
      throw new AppError('BAD_REQUEST', 'This multipart form has no boundary or no valid one.', {
        cause: error,
      })
    }
  }

  #wire(form: BusboyInstance, { onField, onFile }: FormHandlers): void {
    const refuse = (sentence: string): void => this.fail(new AppError('BAD_REQUEST', sentence))
    form.on('field', (name, value, isNameCut, isValueCut) => {
      if (this.#isSettled) return
      if (isNameCut || isValueCut) refuse(`The field “${String(name).slice(0, 40)}” is too long.`)
      else onField(name, value)
    })
    form.on('file', (field, file, fileName) => {
      // Errors of the part itself reach us through the form; without a listener they would end the process.
      file.on('error', (error) => this.fail(broken(error)))
      if (this.#isSettled) file.resume()
      else if (field === 'file') onFile(this.#hold(file, fileName))
      else {
        file.resume()
        refuse('The file belongs in the form’s field named “file”.')
      }
    })
    form.on('filesLimit', () => refuse('One file at a time: this form has several.'))
    form.on('fieldsLimit', () => refuse('This form has too many fields.'))
    form.on('partsLimit', () => refuse('This form has too many parts.'))
    form.on('error', (error) => this.fail(broken(error)))
    form.on('finish', () => {
      if (this.#isSettled) return
      this.#isSettled = true
      this.#isWhole = true
      this.#ended.resolve()
    })
  }

  #hold(file: BusboyFileStream, fileName: string | undefined): FormFile {
    const held = new HeldFile(this.#ended.promise, this.#limits.fileBytes)
    held.on('error', (error) => {
      file.unpipe(held)
      file.resume()
      this.fail(error)
    })
    this.#file = held
    file.pipe(held)
    return { stream: held, fileName: fileName ?? '' }
  }
}

function cutOff(): AppError {
  return new AppError('CANCELLED', 'The upload was cut off; nothing of it was kept.')
}

function broken(cause: unknown): AppError {
  return new AppError(
    'BAD_REQUEST',
    'The multipart form is broken or ends too early; nothing of it was kept.',
    { cause },
  )
}
