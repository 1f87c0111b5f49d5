import { openSharingNode } from './sharing-node.ts'

/* Run as a process of its own: goes on with what a node was told to encrypt anew, and ends. */
const [root = ''] = process.argv.slice(2)
// The store's own timers don't keep a process alive.
const alive = setInterval(() => undefined, 1000)
const node = await openSharingNode({ root })
for (const { id } of node.transfers.listUnfinished()) {
  node.rekeys.jobs.resume(id)
  const { state, error } = await node.over(id)
  process.stdout.write(`${state} ${error?.code ?? ''}\n`)
}
await node.close()
clearInterval(alive)
