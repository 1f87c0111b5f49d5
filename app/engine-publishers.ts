import { AppError, PersonKey } from './contract/index.ts'
import type { Publisher } from './contract/index.ts'
import { parseLink } from './fetching/index.ts'
import type { FollowedPublisher, Network } from './network/index.ts'
import type { Catalogue, PublisherSet } from './search/index.ts'
import { fingerprintOf, parseCard } from './vault/index.ts'
import type { Contacts, Vault } from './vault/index.ts'

interface PublishersInit {
  readonly contacts: Contacts
  readonly network: Pick<Network, 'knownOf'> & {
    readonly followed: Pick<Network['followed'], 'add' | 'remove' | 'list'>
  }
  readonly catalogue: Catalogue
  readonly vault: Vault
}

/** Somebody who publishes, as far as a name they go by tells; at least one of the keys is there. */
interface Named {
  readonly owner?: string | undefined
  readonly pub?: string | undefined
  readonly name?: string | undefined
}

const SEA_KEY = /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/
const CARD = /^(?:sower:(?:\/\/)?card\/|\{)/i

/** Those who publish: how they are named, and whom one follows. */
export class Publishers {
  readonly #init: PublishersInit

  constructor(init: PublishersInit) {
    this.#init = init
  }

  /**
   * Somebody by a card (link or JSON), an owner key, a SEA key, or a link to (or the id of) something they published.
   * @throws {AppError} `BAD_REQUEST`, `CARD_INVALID`, `LINK_INVALID`
   */
  find(text: string): Publisher {
    return this.view(this.#named(text))
  }

  /** @throws {AppError} the same, and `BAD_REQUEST` for oneself and for somebody whose SEA key nobody has told */
  follow(text: string, name?: string): Publisher {
    const named = this.#named(text)
    const { pub, owner, ...publisher } = this.view(named)
    if (owner !== undefined && owner === this.#init.vault.owner())
      throw new AppError('BAD_REQUEST', 'This is yourself. What you publish is in your library.')
    if (pub === '') {
      throw new AppError('BAD_REQUEST', 'Where this publisher writes is not known yet.', {
        hint: 'Follow them by their card, or by a link to something of theirs that names them.',
      })
    }
    const called = name ?? publisher.name ?? named.name
    this.#init.network.followed.add({
      pub,
      ...(owner === undefined ? {} : { owner }),
      ...(called === undefined ? {} : { name: called }),
    })
    return this.view({ pub, owner })
  }

  /** @throws {AppError} `NOT_FOUND` for somebody who is not followed */
  unfollow(pub: string): void {
    const { network } = this.#init
    if (!network.followed.list().some((followed) => followed.pub === pub))
      throw new AppError('NOT_FOUND', 'You don’t follow this publisher.')
    network.followed.remove(pub)
  }

  /** In the order they were followed. */
  list(): Publisher[] {
    return this.#init.network.followed.list().map((followed) => this.view(followed))
  }

  /** Those one follows: by owner key where it is known, so that nobody gets in by what they copy into their space. */
  followed(): PublisherSet {
    const following = this.#init.network.followed.list()
    return {
      owners: following.flatMap(({ owner }) => owner ?? []),
      pubs: following.filter(({ owner }) => owner === undefined).map(({ pub }) => pub),
    }
  }

  /** What the user calls the publisher of something that was found in that space, if anything. */
  nameOf(owner: string, pub?: string): string | undefined {
    const isTheirs = (followed: FollowedPublisher): boolean =>
      followed.owner === undefined ? followed.pub === pub : followed.owner === owner
    return (
      this.#init.contacts.get(owner)?.name ??
      this.#init.network.followed.list().find((followed) => isTheirs(followed))?.name
    )
  }

  /** Everything known of somebody. */
  view(named: Named): Publisher {
    const { contacts, network, catalogue } = this.#init
    const contact = contacts
      .list()
      .find((each) => (named.owner === undefined ? each.pub === named.pub : each.owner === named.owner))
    const owner = named.owner ?? contact?.owner ?? this.#ownerOf(named.pub)
    const space = named.pub ?? contact?.pub ?? (owner === undefined ? undefined : this.#pubOf(owner))
    const followed = network.followed
      .list()
      .find((each) => (owner !== undefined && each.owner === owner) || isSpaceOf(each, space, owner))
    const knownOwner = owner ?? followed?.owner
    const pub = named.pub ?? contact?.pub ?? followed?.pub ?? space
    const name = contact?.name ?? followed?.name
    return {
      pub: pub ?? '',
      ...(knownOwner === undefined ? {} : { owner: knownOwner }),
      ...(name === undefined ? {} : { name }),
      fingerprint: knownOwner === undefined ? fingerprintOfPub(pub ?? '') : fingerprintOf(knownOwner),
      isFollowed: followed !== undefined,
      isContact: contact !== undefined,
      items: catalogue.count(
        knownOwner === undefined ? { owners: [], pubs: [pub ?? ''] } : { owners: [knownOwner], pubs: [] },
      ),
      ...datesOf(followed),
    }
  }

  #named(text: string): Named {
    const given = text.trim()
    if (PersonKey.safeParse(given).success) return { owner: given }
    if (SEA_KEY.test(given)) return { pub: given }
    if (CARD.test(given)) {
      const { owner, pub, name } = parseCard(given)
      return { owner, pub, name }
    }
    const { pub, mediaId } = parseLink(given)
    if (pub !== undefined) return SEA_KEY.test(pub) ? { pub } : { owner: pub }
    const [known, another] = mediaId === undefined ? [] : this.#init.network.knownOf(mediaId)
    if (known === undefined || another !== undefined) {
      throw new AppError('BAD_REQUEST', 'This link does not say who published it.', {
        hint: 'Use their card, their key, or a link that names them.',
      })
    }
    return { owner: known.manifest.oip.creatorPubKey, pub: known.pub }
  }

  /**
   * Whom a space belongs to, by all that was found in it. Somebody else's items copied there make it look like theirs; whoever
   * follows it then believes what that owner signed, and nothing of the copier's.
   */
  #ownerOf(pub: string | undefined): string | undefined {
    if (pub === undefined) return undefined
    const self = this.#init.vault.selfIfOpen()
    return self?.pub === pub ? self.owner : this.#init.catalogue.ownerOf(pub)
  }

  #pubOf(owner: string): string | undefined {
    const self = this.#init.vault.selfIfOpen()
    return self?.owner === owner ? self.pub : this.#init.catalogue.pubOf(owner)
  }
}

/** Whether this is the space of one who is followed; what others copied into it does not make it theirs. */
function isSpaceOf(
  followed: FollowedPublisher,
  space: string | undefined,
  owner: string | undefined,
): boolean {
  const isTheirs = followed.owner === undefined || owner === undefined || followed.owner === owner
  return isTheirs && followed.pub === space
}

function datesOf(followed: FollowedPublisher | undefined): Pick<Publisher, 'followedAtMs' | 'checkedAtMs'> {
  if (followed === undefined) return {}
  const { followedAtMs, checkedAtMs } = followed
  return { followedAtMs, ...(checkedAtMs === undefined ? {} : { checkedAtMs }) }
}

/** Of the two coordinates, for somebody whose owner key is not known. */
function fingerprintOfPub(pub: string): string {
  return fingerprintOf(
    pub
      .split('.')
      .map((half) => Buffer.from(half, 'base64url').toString('hex'))
      .join(''),
  )
}
