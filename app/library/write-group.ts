import type Database from 'better-sqlite3'

interface Waiting {
  readonly run: () => void
  readonly fail: (error: unknown) => void
  readonly done: () => void
}

/** Gathers writes of one turn of the event loop into one transaction, so that they share its flush to the disk. */
export class WriteGroup {
  readonly #sql: Database.Database
  readonly #write: (fn: () => void) => void
  readonly #translate: (error: unknown) => unknown
  #waiting: Waiting[] = []

  /**
   * @param write runs its argument in one transaction that is on the disk when it returns
   * @param translate makes a sentence of what SQLite refuses
   */
  constructor(
    sql: Database.Database,
    write: (fn: () => void) => void,
    translate: (error: unknown) => unknown,
  ) {
    this.#sql = sql
    this.#write = write
    this.#translate = translate
  }

  /** @returns what `fn` gives, once it is on the disk */
  add<T>(fn: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: { readonly value: T } | undefined
      if (this.#waiting.length === 0) setImmediate(() => this.#flush())
      this.#waiting.push({
        run: () => (result = { value: fn() }),
        done: () => {
          if (result !== undefined) resolve(result.value)
        },
        fail: reject,
      })
    })
  }

  #flush(): void {
    const group = this.#waiting
    this.#waiting = []
    try {
      this.#write(() => {
        for (const { run, fail } of group) {
          try {
            // Inside a transaction this is a savepoint: who fails takes only its own back.
            this.#sql.transaction(run)()
          } catch (error) {
            // A full disk has ended the whole transaction already.
            if (!this.#sql.inTransaction) throw error
            fail(this.#translate(error))
          }
        }
      })
    } catch (error) {
      for (const { fail } of group) fail(error)
      return
    }
    for (const { done } of group) done()
  }
}
