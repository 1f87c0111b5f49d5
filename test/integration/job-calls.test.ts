import { join } from 'node:path'
import { expect, onTestFinished, it } from 'vitest'
import { TransferState } from '../../app/contract/index.ts'
import { newPlan } from '../../app/fetching/plan.ts'
import { parseLink } from '../../app/fetching/index.ts'
import { openDatabase, TransferStore } from '../../app/library/index.ts'
import { systemClock } from '../../app/ports/clock.ts'
import { silentLog } from '../../app/ports/log.ts'
import { MemoryKeychain } from '../unit/vault/memory-keychain.ts'
import { Home, Node } from './vault/engine-node.ts'

const KINDS = ['add', 'get', 'save', 'rekey'] as const
const CALLS = ['pause', 'resume', 'retry', 'cancel', 'dismiss', 'setPriority'] as const
/** Calls that can't be done once it is over. */
const OF_THE_LIVING = ['pause', 'resume', 'setPriority']

interface Case {
  readonly id: string
  readonly kind: (typeof KINDS)[number]
  readonly state: TransferState
  readonly call: (typeof CALLS)[number]
}

/** A row of every kind in every state for every call, as a former run left them. */
function leaveRows(home: Home): Case[] {
  const db = openDatabase(home.path('data', 'sower.db'), { log: silentLog, clock: systemClock })
  const transfers = new TransferStore({ db, clock: systemClock })
  const path = home.write('a file', 'some bytes')
  // A peer that is not there: it is looked for as long as nobody stops it.
  const link = parseLink(`magnet:?xt=urn:btih:${'ab'.repeat(20)}`)
  const payloads = {
    add: { source: 'path', path, storage: 'copy', isEncrypted: false, people: [] },
    get: newPlan(link, { web: [], peers: ['127.0.0.1:9'] }, false),
    save: { mediaId: 'ab'.repeat(32), path: join(home.dir, 'out'), isReplacing: false },
    rekey: { mode: 'rekey', oldId: 'ab'.repeat(32), removed: [] },
  }
  const cases = KINDS.flatMap((kind) =>
    TransferState.options.flatMap((state) => CALLS.map((call) => ({ kind, state, call }))),
  )
  const made = transfers.createAll(
    cases.map(({ kind, state }) => ({
      transfer: { kind, name: `${kind} ${state}`, state },
      payload: payloads[kind],
    })),
  )
  transfers.stop()
  db.close()
  return cases.map((one, index) => ({ ...one, id: made[index]?.id ?? '' }))
}

it('answers every call about every kind of job in every state, and nothing goes unheard', async () => {
  const unheard: unknown[] = []
  const hear = (reason: unknown): void => void unheard.push(reason)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  const home = new Home()
  const cases = leaveRows(home)
  const node = await Node.start(home, { keychain: new MemoryKeychain() })
  for (const { id, kind, state, call } of cases) {
    const reply =
      call === 'setPriority'
        ? await node.ask('fetching.setPriority', { id, priority: 'high' })
        : await node.ask(`transfers.${call}`, { id })
    const what = `${call} of ${kind} that is ${state}: ${JSON.stringify(reply)}`
    const isOver = ['done', 'failed', 'cancelled'].includes(state)
    if (isOver && OF_THE_LIVING.includes(call)) expect(reply.ok, what).toBe(false)
    if (!reply.ok) expect(['CONFLICT', 'NOT_FOUND'], what).toContain(reply.error.code)
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  await node.stop()
  expect(unheard).toEqual([])
})

it('tells whoever pauses a download that has just come to its end', async () => {
  const home = new Home()
  const node = await Node.start(home, { keychain: new MemoryKeychain() })
  const mediaId = await node.add(home.write('a file', 'some bytes'), { accessLevel: 'public' })
  const { transferId: id } = await node.call('fetching.start', { link: mediaId })
  expect(await node.ask('transfers.pause', { id })).toMatchObject({ ok: false, error: { code: 'CONFLICT' } })
})
