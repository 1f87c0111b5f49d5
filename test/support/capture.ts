import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'

interface Capture extends AsyncDisposable {
  /** Every byte that went over loopback so far, as it was on the wire. */
  bytes(): Promise<Buffer>
}

/**
 * Records the traffic of the loopback interface with tcpdump (as root).
 * @param exceptPorts what goes from or to these is left out: a node's control port carries its owner's own business
 */
export async function captureLoopback(file: string, exceptPorts: readonly number[]): Promise<Capture> {
  const filter = exceptPorts.map((port) => `not port ${String(port)}`).join(' and ')
  const tcpdump = spawn('tcpdump', ['-i', 'lo', '-s', '0', '-U', '-B', '65536', '-w', file, filter], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    tcpdump.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('listening on')) resolve()
    })
    tcpdump.once('error', reject)
    tcpdump.once('exit', () => reject(new Error(`tcpdump did not start: ${said}`)))
  })
  const stop = async (): Promise<void> => {
    if (tcpdump.exitCode !== null || tcpdump.signalCode !== null) return
    const ended = once(tcpdump, 'exit')
    tcpdump.kill('SIGINT')
    await ended
  }
  return {
    bytes: async () => {
      await stop()
      return readFile(file)
    },
    [Symbol.asyncDispose]: stop,
  }
}
