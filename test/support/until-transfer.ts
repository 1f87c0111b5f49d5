import type { Transfer } from '../../app/contract/index.ts'
import type { TransferStore } from '../../app/library/index.ts'

/** Resolves with a transfer once `isIt` holds of it; fails when that takes too long. */
export function untilTransfer(
  transfers: TransferStore,
): (id: string, isIt: (transfer: Transfer) => boolean, timeoutMs?: number) => Promise<Transfer> {
  return (id, isIt, timeoutMs = 30_000) =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const transfer = transfers.get(id)
        if (transfer === undefined || !isIt(transfer)) return
        clearTimeout(timer)
        off()
        resolve(transfer)
      }
      const timer = setTimeout(() => {
        off()
        reject(new Error(`not in time: ${JSON.stringify(transfers.get(id))}`))
      }, timeoutMs)
      const off = transfers.onChange(check)
      check()
    })
}
