import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'

interface LibtorrentArgs {
  readonly mode: 'seed' | 'download'
  /** Path of a torrent file, or a magnet link. */
  readonly torrent?: string
  readonly magnet?: string
  /** The file lies, or will lie, in here under the torrent's name. */
  readonly dir: string
  readonly peers?: readonly string[]
  readonly useTrackers?: boolean
  /** Bytes per second. */
  readonly uploadLimit?: number
}

interface LibtorrentPeer extends AsyncDisposable {
  readonly port: number
  readonly version: string
  readonly child: Child
  /** Seconds from the first byte to the last piece. */
  complete(timeoutMs?: number): Promise<number>
  stop(): Promise<void>
}

const script = fileURLToPath(new URL('./libtorrent-peer.py', import.meta.url))

/** A peer made of Debian's python3-libtorrent, in a process of its own. */
export async function startLibtorrent(args: LibtorrentArgs): Promise<LibtorrentPeer> {
  const child = new Child('/usr/bin/python3', [script, JSON.stringify(args)])
  const said = async (event: string, timeoutMs?: number): Promise<Readonly<Record<string, unknown>>> => {
    const line = await child.line((text) => text.startsWith(`{"event": "${event}"`), timeoutMs)
    return JSON.parse(line) as Record<string, unknown> // written by our own script
  }
  const { port, version } = await said('listening').catch(async (error: unknown) => {
    await child.stop()
    throw error
  })
  return {
    port: Number(port),
    version: String(version),
    child,
    complete: async (timeoutMs = 45_000) => Number((await said('complete', timeoutMs))['seconds']),
    stop: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop(),
  }
}
