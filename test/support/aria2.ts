import { Child } from './child.ts'
import { freePort } from './transmission.ts'

/** Downloads a torrent (path of its file, or a magnet link) with Debian's aria2c into `dir`; resolves when it is done. */
export async function downloadWithAria2(torrent: string, dir: string): Promise<void> {
  await using child = new Child('/usr/bin/aria2c', [
    `--dir=${dir}`,
    '--no-conf',
    '--seed-time=0',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    '--disable-ipv6=true',
    `--listen-port=${String(await freePort())}`,
    '--bt-tracker-connect-timeout=5',
    '--summary-interval=0',
    '--allow-overwrite=true',
    torrent,
  ])
  const code = await child.exited()
  if (code !== 0) throw new Error(`aria2c failed: ${child.lines.slice(-15).join('\n')}`)
}
