import { AppError } from '../../../app/contract/index.ts'
import type { ErrorCode } from '../../../app/contract/index.ts'
import type { Keychain } from '../../../app/vault/index.ts'

/** A keychain in memory that can be locked or taken away. */
export class MemoryKeychain implements Keychain {
  readonly entries = new Map<string, string>()
  /** Every call answers with this. */
  failure: { code: ErrorCode; reason?: string } | undefined
  calls = 0
  /** Looks at every call before it is answered; may throw. `apply` does what is asked even so. */
  watch: ((call: { n: number; apply: () => void }) => void) | undefined

  get(account: string): Promise<string | null> {
    return this.#answer(() => this.entries.get(account) ?? null)
  }

  set(account: string, secret: string): Promise<void> {
    return this.#answer(() => void this.entries.set(account, secret))
  }

  delete(account: string): Promise<void> {
    return this.#answer(() => void this.entries.delete(account))
  }

  #answer<T>(action: () => T): Promise<T> {
    this.calls += 1
    try {
      this.watch?.({ n: this.calls, apply: () => void action() })
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
    if (this.failure === undefined) return Promise.resolve(action())
    const { code, reason } = this.failure
    return Promise.reject(
      new AppError(code, `memory keychain: ${code}`, reason === undefined ? {} : { details: { reason } }),
    )
  }
}
