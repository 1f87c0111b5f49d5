import type { Background } from './background.ts'
import type { Chunks } from './chunks.ts'
import type { Contested } from './contested.ts'
import type { Following } from './following.ts'
import type { GunEvent } from './gun-client.ts'
import type { GunSockets } from './gun-sockets.ts'
import type { Listeners } from './listeners.ts'
import type { ManifestIndex } from './manifest-index.ts'
import type { OwnWatch } from './own-watch.ts'
import type { Presence } from './presence.ts'
import type { Publisher } from './publisher.ts'

/** Whoever has to do with what GUN's process tells. */
interface Hearing {
  readonly sockets: GunSockets
  readonly index: ManifestIndex
  readonly publisher: Publisher
  readonly presence: Presence
  readonly chunks: Chunks
  readonly following: Following
  readonly contested: Contested
  readonly ownWatch: OwnWatch
  readonly background: Background
  readonly onStatus: Listeners<[]>
  /** What time it is by a relay's clock. */
  readonly heardTime: (relay: string, atMs: number) => void
}

/** What follows from what GUN's process told without having been asked. */
export function heard(event: GunEvent, parts: Hearing): void {
  const { sockets, index, publisher, presence, chunks, following, contested, background } = parts
  switch (event.type) {
    case 'peer-send':
      sockets.send(event.peer, event.text)
      break
    case 'credit':
      sockets.credit(event.peer, event.bytes, event.waitMs)
      break
    case 'heard':
      background.run('lists', () => following.noticed(event.graph))
      index.take(event.graph)
      break
    case 'asked':
      presence.asked(event.mediaIds)
      chunks.asked(event.mediaIds)
      break
    case 'disk':
      if (event.isNew) publisher.storeBegunAnew()
      if (event.isKeeping) keepsAgain(publisher)
      break
    case 'contested':
      for (const { mediaId, stateMs } of event.items) contested.notice(mediaId, stateMs)
      break
    case 'up':
      keepsAgain(publisher)
      parts.ownWatch.begin()
      caughtRelay(parts)
      break
    case 'time':
      parts.heardTime(event.relay, event.atMs)
      break
    case 'relay':
      if (event.relay.state === 'open') {
        caughtRelay(parts)
        parts.ownWatch.relayOpened()
      }
      parts.onStatus.tell()
      break
    case 'down':
      sockets.dropAll()
      parts.onStatus.tell()
      break
  }
}

function keepsAgain(publisher: Publisher): void {
  publisher.forgetHidden()
  void publisher.catchUp()
}

function caughtRelay({ presence, publisher, following, onStatus }: Hearing): void {
  presence.sayAgain()
  publisher.relayOpened()
  void following.catchUp()
  onStatus.tell()
}
