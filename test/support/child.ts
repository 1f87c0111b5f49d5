import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program under test control: its output by lines, and an end that is certain. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess
  readonly lines: string[] = []
  readonly #waiting = new Set<() => void>()
  #hasExited = false

  constructor(
    command: string,
    args: readonly string[],
    options: { env?: Readonly<Record<string, string>>; cwd?: string } = {},
  ) {
    this.process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line)
        this.#wakeUp()
      })
    }
    this.process.once('exit', () => {
      this.#hasExited = true
      this.#wakeUp()
    })
  }

  /** The first line that `isIt` accepts, past or to come. */
  line(isIt: (line: string) => boolean, timeoutMs = 30_000): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        this.#waiting.delete(check)
        clearTimeout(timer)
        reject(new Error(`${why}: ${this.lines.slice(-15).join('\n')}`))
      }
      const timer = setTimeout(() => fail('no such line in time'), timeoutMs)
      const check = (): void => {
        const found = this.lines.find(isIt)
        if (found !== undefined) {
          this.#waiting.delete(check)
          clearTimeout(timer)
          resolve(found)
        } else if (this.#hasExited) fail('it ended')
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** Its exit code. */
  async exited(timeoutMs = 45_000): Promise<number | null> {
    if (!this.#hasExited) await once(this.process, 'exit', { signal: AbortSignal.timeout(timeoutMs) })
    return this.process.exitCode
  }

  async stop(): Promise<void> {
    if (this.#hasExited) return
    const exit = once(this.process, 'exit')
    this.process.stdin?.end()
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 3000)
    await exit
    clearTimeout(timer)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #wakeUp(): void {
    for (const check of this.#waiting) check()
  }
}
