import type { EngineState, NodeStatus } from '../app/contract/index.ts'
import { formatRate, text } from './text.ts'

export type TrayIcon = 'idle' | 'active' | 'paused' | 'attention'

/** One line that says what the node is doing, and the icon that goes with it. */
export function summarise(
  engine: EngineState,
  node: NodeStatus | undefined,
): { icon: TrayIcon; line: string } {
  if (engine.state === 'failed') return { icon: 'attention', line: text.trayFailed }
  if (engine.state !== 'running' || !node) return { icon: 'idle', line: text.trayStarting }
  if (node.media.state === 'offline') return { icon: 'attention', line: text.trayOffline }
  if (node.seeding.isPaused) return { icon: 'paused', line: text.trayPaused }
  const rate = node.seeding.uploadRateBytesPerSec
  if (rate >= 1) return { icon: 'active', line: text.traySeedingAt(node.seeding.items, formatRate(rate)) }
  return { icon: 'idle', line: text.traySeeding(node.seeding.items) }
}
