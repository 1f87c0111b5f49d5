/** Entry of the `sower` command; `sower.mjs` and the npm scripts start it under a Node that is new enough. */
import { runCli } from './run.ts'

const ending = new AbortController()
let signals = 0
function end(): void {
  signals += 1
  // A second Ctrl-C means “at once”; every store survives that.
  if (signals > 1) process.exit(130)
  ending.abort()
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
process.on('SIGHUP', end)
if (process.channel) {
  // Started by another process that keeps a channel open: without it there is nobody left to stop this one.
  process.channel.unref()
  process.on('disconnect', () => ending.abort())
}
// The reader of a pipe (`sower ls | head`) has seen enough.
process.stdout.on('error', () => process.exit(0))

const status = await runCli(process.argv.slice(2), ending.signal)
// Sockets that linger must not keep a finished command alive; what was printed leaves first.
process.stdout.write('', () => process.exit(status))
