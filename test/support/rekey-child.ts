import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { SharingNode } from './sharing-node.ts'
import { openSharingNode, testPerson } from './sharing-node.ts'

interface Orders {
  readonly root: string
  /** sha256 of each file, lowercase hex. */
  readonly contents: readonly string[]
  /** Begins new rounds; without it, what was begun is finished. */
  readonly isGoingOn: boolean
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

// A node that encrypts everything anew, round after round, until it is killed. First it looks at what it says it has.
const { root, contents, isGoingOn } = JSON.parse(process.argv[2] ?? '{}') as Orders // written by the test that starts this
// Loading takes longer than living: it is done ahead, and the life begins with a word on stdin.
say('loaded')
await once(process.stdin, 'data')
process.stdin.unref()
// The store's own timers don't keep a process alive.
const alive = setInterval(() => undefined, 1000)
const ben = testPerson('ben')
const node = await openSharingNode({ root })
await judge(node)
say('running')
await finish(node)
while (isGoingOn) {
  for (const { mediaId, protection, sharedWith } of node.library.list({ limit: 500 }).rows) {
    if (protection === 'none') node.rekeys.encrypt(mediaId, [])
    else if (sharedWith.includes(ben.owner)) await node.rekeys.remove(mediaId, { people: [ben.owner] })
  }
  node.rekeys.rotateAll()
  await finish(node)
  say('round')
}
await judge(node)
await node.close()
clearInterval(alive)
say('all done')

async function finish({ transfers, over }: SharingNode): Promise<void> {
  for (const { id } of transfers.listUnfinished()) {
    const transfer = await over(id)
    if (transfer.state !== 'done') say(`failed ${JSON.stringify(transfer)}`)
  }
}

/** Nothing listed is half-done, and nothing is gone: what is listed can be read, and each file is among it. */
async function judge({ library, read }: SharingNode): Promise<void> {
  const found = new Set<string>()
  for (const { mediaId, fileState } of library.list({ limit: 500 }).rows) {
    const bytes = await read(mediaId).catch((error: unknown) => {
      // The job of the life before goes on at once: it may just have put the old one away.
      if (library.get(mediaId) !== undefined) say(`bad ${mediaId} ${fileState} ${String(error)}`)
      return undefined
    })
    if (bytes === undefined) continue
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (!contents.includes(sha256)) say(`bad ${mediaId} holds something else`)
    found.add(sha256)
  }
  for (const { mediaId } of library.list({ limit: 500 }).rows) {
    const bytes = await read(mediaId).catch(() => undefined)
    if (bytes !== undefined) found.add(createHash('sha256').update(bytes).digest('hex'))
  }
  for (const sha256 of contents) if (!found.has(sha256)) say(`bad ${sha256} is gone`)
}
