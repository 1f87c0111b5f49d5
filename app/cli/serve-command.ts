import { tellNotice, tellNotices } from './context.ts'
import type { Context } from './context.ts'

/** Long enough for open connections to be told, short enough for whoever stops a service. */
const STOP_TIMEOUT_MS = 4500

/**
 * `sower serve`: a node without a window, until it is told to stop. Says where it listens in one line of JSON on standard
 * output, whatever the form of everything else.
 */
export async function serveCommand(context: Context, logLevel: string): Promise<void> {
  const { terminal, signal, node: options } = context
  // Loaded here: other commands mostly find a running node and need nothing of the engine.
  const [{ LocalNode }, { parseLogLevel }] = await Promise.all([
    import('./local-node.ts'),
    import('../log.ts'),
  ])
  const stderrLevel = parseLogLevel(logLevel, '--log-level')
  const node = await LocalNode.start({ ...options, stderrLevel, signal, isServing: true })
  const { url, controlUrl, peerPort, nodeId, owner } = node.addresses
  process.stdout.write(
    `${JSON.stringify({ event: 'listening', url, controlUrl, peerPort, nodeId, owner })}\n`,
  )
  const { wallet } = await node.call('node.status', {})
  await tellNotices(node, terminal)
  node.on('node.notice', (notice) => tellNotice(notice, terminal))
  if (wallet.message !== undefined) terminal.say(`Warning: ${wallet.message}`)
  terminal.say(`Sower is running at ${url}. Stop it with Ctrl-C.`)

  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  const late = setTimeout(() => {
    terminal.say('Sower did not stop in time; what it was doing is finished at the next start.')
    process.exit(1)
  }, STOP_TIMEOUT_MS)
  await node.close()
  clearTimeout(late)
}
