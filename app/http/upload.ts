import { Readable } from 'node:stream'
import type { z } from 'zod'
import { AppError } from '../contract/index.ts'
import { bodyType, declaredBytes, inviteBody, readJson, tooLarge, tooSlow, watchPace } from './body.ts'
import { sendJson } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import type {
  HttpSettings,
  MediaShelf,
  OutboundRequests,
  ResolveRecipient,
  UploadAdder,
  UploadDetails,
} from './ports.ts'
import { UploadForm } from './upload-form.ts'
import { UploadFields, UploadJson, readUploadFields, requireWhole } from './upload-fields.ts'
import type { FormField, UploadWish } from './upload-fields.ts'
import { uploadAnswer } from './upload-answer.ts'

export interface UploadsOptions {
  readonly library: MediaShelf
  readonly adder: UploadAdder
  readonly resolveRecipient: ResolveRecipient
  readonly outbound: OutboundRequests
  readonly settings: HttpSettings
  readonly limits: HttpLimits
  readonly baseUrl: () => string
}

type Added = Awaited<ReturnType<UploadAdder['addStream']>>

/** Multipart boundaries and fields around the file itself. */
const FORM_OVERHEAD_BYTES = 256 * 1024

/** `POST /api/media/upload`: a file by form, by address or as base64 becomes an item. The caller has checked who asks. */
export class Uploads {
  readonly #options: UploadsOptions

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  async answer(exchange: Exchange): Promise<void> {
    const { req, res } = exchange
    // Neither a large upload nor the fetch of an address is idleness; their pace is watched instead.
    req.socket.setTimeout(0)
    const restoreIdleTimeout = (): void => void req.socket.setTimeout(this.#options.limits.idleTimeoutMs)
    res.once('finish', restoreIdleTimeout)
    const { row, isDuplicate, warnings } = await this.#receive(exchange)
    const body = await uploadAnswer({ ...this.#options, row, isDuplicate, warnings })
    sendJson(exchange, isDuplicate ? 200 : 201, body, { location: `/media/${row.mediaId}` })
  }

  #receive(exchange: Exchange): Promise<Added & { warnings: readonly string[] }> {
    switch (bodyType(exchange.req)) {
      case 'multipart/form-data':
        return this.#receiveForm(exchange)
      case 'application/json':
        return this.#receiveJson(exchange)
      default:
        throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'An upload is multipart/form-data or application/json.')
    }
  }

  async #receiveForm(exchange: Exchange): Promise<Added & { warnings: readonly string[] }> {
    const { req } = exchange
    const { adder, limits, settings } = this.#options
    const maxBytes = settings.get().maxUploadBytes
    const declared = declaredBytes(req)
    if (declared !== undefined && declared > maxBytes + FORM_OVERHEAD_BYTES) throw tooLarge(maxBytes)
    const form = new UploadForm(req, {
      fields: limits.formFields,
      fieldBytes: limits.formFieldBytes,
      fileBytes: maxBytes,
    })
    const fields: FormField[] = []
    const abort = new AbortController()
    let adding: Promise<Added> | undefined
    const stopWatching = watchPace(req, limits.uploadMinRateBytesPerSec, limits.uploadRateWindowMs, () =>
      form.fail(tooSlow()),
    )
    inviteBody(exchange)
    try {
      await form.receive({
        onField: (name, value) => {
          fields.push([name, value])
        },
        onFile: ({ stream, fileName }) => {
          // Asked again when the form is complete; a wish we can't fulfil stops the upload then, before anything is kept.
          const details = (): UploadDetails => {
            const wish = readUploadFields(fields)
            if (form.isWhole) requireWhole(wish)
            return this.#details(wish, fileName)
          }
          adding = adder.addStream({
            stream,
            name: fileName,
            accessLevel: 'private',
            details,
            maxBytes,
            ...(declared === undefined ? {} : { sizeHint: Math.min(declared, maxBytes) }),
            signal: abort.signal,
          })
          adding.catch((error: unknown) =>
            form.fail(error instanceof Error ? error : new Error(String(error))),
          )
        },
      })
      const { warnings } = readUploadFields(fields)
      if (!adding)
        throw new AppError('BAD_REQUEST', 'No file provided', { hint: 'Put it in the form’s field “file”.' })
      return { ...(await adding), warnings }
    } catch (error) {
      abort.abort(error)
      // The answer goes out only when what had been stored so far is gone again.
      await adding?.catch(() => undefined)
      throw error
    } finally {
      stopWatching()
    }
  }

  async #receiveJson(exchange: Exchange): Promise<Added & { warnings: readonly string[] }> {
    const { adder, limits, settings } = this.#options
    const parsed = UploadJson.safeParse(
      await readJson(exchange, limits.jsonUploadBytes, limits.bodyTimeoutMs),
    )
    if (!parsed.success) {
      throw new AppError('BAD_REQUEST', `This upload can’t be understood: ${firstIssue(parsed.error)}.`)
    }
    const wish = UploadFields.parse(parsed.data)
    const { warnings } = wish
    requireWhole(wish)
    // Known to be possible before anything is fetched.
    this.#details(wish, '')
    const maxBytes = settings.get().maxUploadBytes
    const abort = new AbortController()
    const onClose = (): void =>
      abort.abort(new AppError('CANCELLED', 'The upload was cut off; nothing of it was kept.'))
    exchange.res.once('close', onClose)
    try {
      const { data } = parsed
      const source =
        data.source === 'base64'
          ? decodeBase64(data.data)
          : await this.#fetch(data.url, maxBytes, abort.signal)
      const added = await adder.addStream({
        stream: source.stream,
        ...this.#details(wish, source.name),
        maxBytes,
        ...(source.sizeBytes === undefined ? {} : { sizeHint: source.sizeBytes }),
        signal: abort.signal,
      })
      return { ...added, warnings }
    } finally {
      exchange.res.off('close', onClose)
    }
  }

  #details({ name, accessLevel, isEncrypted, recipients }: UploadWish, fallbackName: string): UploadDetails {
    return {
      name: name ?? fallbackName,
      accessLevel,
      isEncrypted,
      recipients: recipients.map(this.#options.resolveRecipient),
    }
  }

  async #fetch(url: string, maxBytes: number, signal: AbortSignal): Promise<Source> {
    const { outbound, limits } = this.#options
    const answer = await outbound.request(url, {
      maxBytes,
      timeoutMs: Infinity,
      minRate: { bytesPerSec: limits.uploadMinRateBytesPerSec, overMs: limits.uploadRateWindowMs },
      signal,
    })
    if (answer.status !== 200) {
      answer.body.destroy()
      throw new AppError(
        'SOURCE_FAILED',
        `The address answered with status ${answer.status}, not with a file.`,
      )
    }
    const length = Number(answer.headers['content-length'])
    return {
      stream: answer.body,
      name: nameFromUrl(answer.finalUrl),
      ...(Number.isSafeInteger(length) && length > 0 ? { sizeBytes: length } : {}),
    }
  }
}

interface Source {
  readonly stream: Readable
  readonly name: string
  readonly sizeBytes?: number
}

function firstIssue({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return 'it is not valid'
  const field = issue.path.join('.')
  return `${field === '' ? 'it' : `“${field}”`} is not valid (${issue.message})`.slice(0, 500)
}

function decodeBase64(data: string): Source {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new AppError('BAD_REQUEST', '“data” is not base64.')
  const bytes = Buffer.from(data, 'base64')
  return { stream: Readable.from([bytes], { objectMode: false }), name: '', sizeBytes: bytes.byteLength }
}

function nameFromUrl(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    // A stray % sign: as good a name as any.
    return last
  }
}
