import { openNode } from '../../integration/ingest/node.ts'

/**
 * A node that adds what it is told to on its command line (`root`, `clear` or `encrypted`, then paths) and says `idle` when
 * nothing is left to do.
 * It is killed at any moment.
 */
const [root = '', how = '', ...paths] = process.argv.slice(2)
const node = await openNode({ root })
const isEncrypted = how === 'encrypted'
const accessLevel = isEncrypted ? 'private' : 'public'
for (const path of paths) node.adder.addPath({ path, accessLevel, storage: 'copy', isEncrypted })
// The store's own timers don't keep a process alive.
const alive = setInterval(() => undefined, 1000)
process.stdout.write('started\n')
await Promise.all(node.transfers.listUnfinished().map(({ id }) => node.over(id)))
clearInterval(alive)
process.stdout.write('idle\n')
await node.close()
