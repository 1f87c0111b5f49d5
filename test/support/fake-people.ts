import type { Contact, Item, MediaId, Person, WalletStatus } from '../../app/contract/index.ts'
import { seededRandom } from './seeded-random.ts'

/** BIP-39 vectors everybody knows: nobody's wallet. */
export const FAKE_WORDS = {
  12: 'ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic'.split(' '),
  24: (
    'hamster diagram private dutch cause delay private meat slide toddler razor book ' +
    'happy fancy gospel tennis maple dilemma loan word shrug inflict delay length'
  ).split(' '),
} as const

/** The key of the made-up wallet that this window belongs to. */
export const FAKE_OWNER = `02${'ab'.repeat(32)}`

const NAMES = ['Ana Lindqvist', 'Ben', 'Archive of the Valley', 'مريم', 'Jörg O’Neill'] as const
const DAY_MS = 86_400_000

export function fakePersonKey(index: number): string {
  const random = seededRandom(900 + index)
  return `03${Array.from({ length: 64 }, () => Math.floor(random() * 16).toString(16)).join('')}`
}

export function fakeFingerprint(owner: string): string {
  return (owner.slice(2, 18).toUpperCase().match(/.{4}/g) ?? []).join('-')
}

/** A link of the form a card has; what is in it is only a number. */
export const fakeCardLink = (index: number): string =>
  `sower://card/${btoa(`card-${index}`).replaceAll('=', '')}`

/** Which made-up person a card is of; `null` for text that is no card. */
export function fakeCardIndex(card: string): number | null {
  const encoded = /^sower:\/\/card\/([A-Za-z0-9_-]+)$/.exec(card.trim())?.[1] ?? ''
  try {
    const index = /^card-(\d+)$/.exec(atob(encoded))?.[1]
    return index === undefined ? null : Number(index)
  } catch {
    return null
  }
}

export function fakeContact(index: number, nowMs: number, name?: string): Contact {
  const owner = fakePersonKey(index)
  const cardName = NAMES[index % NAMES.length] ?? 'Somebody'
  return {
    owner,
    name: name ?? cardName,
    cardName,
    pub: `${owner.slice(2, 45)}.${owner.slice(20, 63)}`,
    fingerprint: fakeFingerprint(owner),
    addedAtMs: nowMs - index * 9 * DAY_MS,
    cardIssuedAtMs: nowMs - index * 11 * DAY_MS - DAY_MS,
  }
}

export function fakeWallet(): WalletStatus {
  return {
    storage: 'keychain',
    state: 'ready',
    owner: FAKE_OWNER,
    isBackedUp: true,
    isReplaceable: false,
  }
}

/** What private items of a made-up library are: mostly encrypted and seeded as such, some shared, some of others. */
export function protectionOf({ accessLevel, isOwn, mediaId, sizeBytes }: Item, index: number): Partial<Item> {
  if (accessLevel === 'public' || (isOwn && index % 6 === 5)) return {}
  const swarm = { state: 'seeding', isSeedingWanted: true, infoHash: mediaId.slice(0, 40) } as const
  const readable = { ...swarm, protection: 'readable', plainSizeBytes: sizeBytes - 16 } as const
  if (isOwn) return index % 3 === 0 ? { ...readable, accessLevel: 'shared', sharedWith: 2 } : readable
  if (index % 2 === 0) return { ...readable, accessLevel: 'shared', sharedWith: 1 }
  const unreadable = { name: 'Encrypted item', mime: 'application/octet-stream' }
  return { ...swarm, ...unreadable, protection: 'needs-key', accessLevel: 'shared', sharedWith: 1 }
}

/** Who can read each item, as far as anybody asked. */
export class FakePeople {
  readonly #byItem = new Map<MediaId, string[]>()

  of(item: Item): string[] {
    const known = this.#byItem.get(item.mediaId)
    if (known !== undefined) return known
    const others = Array.from({ length: item.sharedWith }, (_, index) => fakePersonKey(index))
    this.#byItem.set(item.mediaId, others)
    return others
  }

  set(mediaId: MediaId, owners: readonly string[]): void {
    this.#byItem.set(mediaId, [...new Set(owners)])
  }

  list(item: Item, contacts: readonly Contact[]): Person[] {
    const owner = item.isOwn ? FAKE_OWNER : fakePersonKey(7)
    return [owner, ...this.of(item)].map((key, index): Person => {
      const name = contacts.find((one) => one.owner === key)?.name
      return {
        owner: key,
        ...(name === undefined ? {} : { name }),
        isOwner: index === 0,
        fingerprint: fakeFingerprint(key),
      }
    })
  }
}
