import { AppError, toErrorShape } from '../contract/index.ts'
import { redact } from '../redact.ts'

/** Where a command's words go: results to standard output, everything else to standard error. */
export class Terminal {
  readonly isJson: boolean
  /** Somebody is watching: progress may be drawn over itself. */
  readonly isWatched: boolean
  #isLineOpen = false

  constructor({ isJson }: { isJson: boolean }) {
    this.isJson = isJson
    this.isWatched = !isJson && process.stderr.isTTY
  }

  /** The command's one result: `value` as JSON, or `text` for people. */
  result(value: unknown, text: string): void {
    this.#clearLine()
    const line = this.isJson ? JSON.stringify(value) : printable(text)
    if (line !== '') process.stdout.write(`${line}\n`)
  }

  /** A remark for people; scripts are spared it. */
  say(sentence: string): void {
    if (this.isJson) return
    this.#clearLine()
    process.stderr.write(`${printable(sentence)}\n`)
  }

  /** One line that replaces the one before; nothing when nobody watches. */
  progress(line: string): void {
    if (!this.isWatched) return
    const width = Math.max(20, (process.stderr.columns || 80) - 1)
    process.stderr.write(`\r\x1b[2K${printable(line).slice(0, width)}`)
    this.#isLineOpen = true
  }

  /** What went wrong, in the form that was asked for; a bug also tells where. */
  fail(error: unknown): void {
    this.#clearLine()
    const { code, message, hint } = toErrorShape(error)
    if (this.isJson) {
      process.stderr.write(`${JSON.stringify({ code, message, ...(hint === undefined ? {} : { hint }) })}\n`)
      return
    }
    const more = hint === undefined ? '' : `\n${hint}`
    process.stderr.write(`sower: ${printable(message)}${printable(more)}\n`)
    if (!(error instanceof AppError)) process.stderr.write(`${JSON.stringify(redact(error))}\n`)
  }

  #clearLine(): void {
    if (this.#isLineOpen) process.stderr.write('\r\x1b[2K')
    this.#isLineOpen = false
  }
}

/** Names come from strangers: no control characters, escape sequences or direction marks reach the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\uFFFD')
}
