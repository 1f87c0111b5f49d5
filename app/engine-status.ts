import type { NodeStatus } from './contract/index.ts'
import type { PartsInit, Running } from './engine-types.ts'
import { VERSION } from './version.ts'

/** How the node is, as the contract shows it. */
export function nodeStatus(
  { vault, folder, library, swarm, network, url, controlUrl }: Running,
  { settings, notices, unheardErrors }: PartsInit,
  startedAtMs: number,
): NodeStatus {
  const totals = swarm.totals()
  const freeBytes = folder.freeBytes()
  const { gun, owed, sockets, clockAheadMs } = network.status()
  return {
    version: VERSION,
    nodeId: vault.nodeKey.nodeId,
    startedAtMs,
    url,
    controlUrl,
    peerPort: swarm.peerPort,
    media: {
      dir: settings.get().mediaDir,
      state: folder.state(),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      usedBytes: library.usedBytes(),
    },
    wallet: vault.status(),
    seeding: {
      isPaused: swarm.isPaused,
      items: totals.seeds,
      peersTcp: totals.peersTcp,
      peersWebrtc: totals.peersWebrtc,
      uploadRateBytesPerSec: totals.uploadRateBytesPerSec,
      downloadRateBytesPerSec: totals.downloadRateBytesPerSec,
      uploadedBytes: totals.uploadedBytes,
    },
    trackers: swarm.trackers(),
    network: {
      state: gun.state,
      relays: [...gun.relays],
      ...(owed === undefined ? {} : { owed }),
      ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
      sockets,
      memoryBytes: gun.memoryBytes,
      restarts: gun.restarts,
      dropped: { ...gun.dropped },
    },
    unheardErrors: unheardErrors(),
    notices: [...notices],
  }
}
