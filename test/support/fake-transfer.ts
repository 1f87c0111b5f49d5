import type { Transfer } from '../../app/contract/index.ts'

/** A transfer that has just begun, with what differs. */
export function fakeTransfer(patch: Partial<Transfer> = {}): Transfer {
  return {
    id: 't1',
    kind: 'add',
    name: '',
    state: 'active',
    stage: 'read',
    bytesDone: 0,
    rateBytesPerSec: 0,
    createdAtMs: 0,
    isEncrypted: false,
    isPlayable: false,
    isUnoffered: false,
    isDuplicate: false,
    isLinked: false,
    priority: 'normal',
    sources: [],
    ...patch,
  }
}
