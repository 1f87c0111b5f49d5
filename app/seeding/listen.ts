import WebTorrent from 'webtorrent'
import { AppError } from '../contract/index.ts'
import { findFreePort } from '../free-port.ts'
import type { Log } from '../ports/log.ts'
import { guardDht } from './dht-guard.ts'
import { installLinks } from './link.ts'
import type { TokenBucket } from './throttle.ts'
import type { SwarmOptions } from './types.ts'

interface Limits {
  readonly up: TokenBucket
  readonly down: TokenBucket
}

/**
 * webtorrent's client, listening for peers, with our links and limits.
 * @param lastPort where it listened before; 0 = nowhere
 * @throws {AppError} `PORT_IN_USE`
 */
export async function listen(
  options: SwarmOptions,
  lastPort: number,
  limits: Limits,
  log: Log,
): Promise<WebTorrent> {
  const { peerPort } = options
  if (peerPort !== 0 || lastPort === 0) return listenAt(peerPort, options, limits, log)
  try {
    return await listenAt(lastPort, options, limits, log)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PORT_IN_USE') throw error
    return listenAt(0, options, limits, log)
  }
}

function listenAt(peerPort: number, options: SwarmOptions, limits: Limits, log: Log): Promise<WebTorrent> {
  installLinks()
  const client = new WebTorrent({
    torrentPort: peerPort,
    dht: options.isDhtEnabled,
    // Trackers, LSD, PEX and HTTP sources are ours: one scheduler each for all torrents.
    tracker: false,
    lsd: false,
    utPex: false,
    webSeeds: false,
    utp: false,
    natUpnp: options.isUpnpEnabled,
    natPmp: options.isUpnpEnabled,
    secure: 1,
  })
  if (client.dht !== false) guardDht(client.dht, log)
  client.throttleGroups.up.destroy()
  client.throttleGroups.down.destroy()
  client.throttleGroups = limits
  return new Promise((resolve, reject) => {
    client.once('listening', () => {
      client.on('error', (error: Error) => log.error('swarm.client-failed', { reason: error.message }))
      resolve(client)
    })
    client.once('error', (error: Error) => void listenError(error, peerPort).then(reject, reject))
  })
}

async function listenError(error: Error, port: number): Promise<AppError> {
  const code = 'code' in error ? error.code : ''
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const free = await findFreePort(undefined, Math.max(port + 1, 1024))
    const why = code === 'EACCES' ? 'may only be opened by an administrator' : 'is in use by another program'
    return new AppError('PORT_IN_USE', `Port ${String(port)} for BitTorrent peers ${why}.`, {
      hint: `Choose another peer port (${String(free)} is free), or 0 for any free one.`,
      details: { setting: 'peerPort', port, free },
      cause: error,
    })
  }
  return new AppError('UNAVAILABLE', 'Seeding could not start on this machine.', { cause: error })
}
