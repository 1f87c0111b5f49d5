import type { MediaId } from '../contract/index.ts'
import { heldItem } from './held.ts'
import { parseLink, type ParsedLink } from './link.ts'
import type { Shelf } from './ports.ts'

export interface InspectedLink {
  readonly kind: ParsedLink['kind']
  readonly mediaId?: MediaId
  readonly infoHash?: string
  readonly name?: string
  readonly trackers: string[]
  readonly webSources: string[]
  /** Already in the library. */
  readonly isHeld: boolean
  /** What the link leads to is stored encrypted. */
  readonly isEncrypted: boolean
  /** The link itself carries the key to it. */
  readonly hasKey: boolean
  readonly expiresAtMs?: number
}

/** What a link is, without contacting anybody. */
export function inspectLink(library: Shelf, link: string): InspectedLink {
  const parsed = parseLink(link)
  const { kind, mediaId, infoHash, name, trackers, webSources, isEncrypted, key, expiresAtMs } = parsed
  return {
    kind,
    ...(mediaId === undefined ? {} : { mediaId: mediaId as MediaId }), // 64 hex by the parser
    ...(infoHash === undefined ? {} : { infoHash }),
    ...(name === undefined ? {} : { name }),
    trackers: [...trackers],
    webSources: [...webSources],
    isHeld: heldItem(library, parsed) !== undefined,
    isEncrypted,
    hasKey: key !== undefined,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}
