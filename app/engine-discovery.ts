import type { EngineEvents } from './engine-events.ts'
import { CatalogueKeeper } from './engine-catalogue.ts'
import { Publishers } from './engine-publishers.ts'
import { revocationLookup } from './engine-withdrawn.ts'
import type { Db, Library } from './library/index.ts'
import type { Network } from './network/index.ts'
import type { Log } from './ports/log.ts'
import { Catalogue } from './search/index.ts'
import type { Revocations } from './sharing/index.ts'
import type { Contacts, Vault } from './vault/index.ts'

interface DiscoveryInit {
  readonly db: Db
  readonly library: Library
  readonly network: Network
  readonly vault: Vault
  readonly contacts: Contacts
  readonly events: EngineEvents
  readonly log: Log
}

/** What has to do with finding what others published. */
export interface DiscoveryParts {
  readonly catalogue: Catalogue
  readonly keeper: CatalogueKeeper
  readonly publishers: Publishers
}

/** Makes the parts; nothing is compared yet. */
export function discoveryParts(init: DiscoveryInit): DiscoveryParts {
  const { db, library, network, vault, contacts, events, log } = init
  const revocationOf = revocationLookup(db)
  const catalogue = new Catalogue(db)
  const keeper = new CatalogueKeeper({
    db,
    catalogue,
    library,
    network,
    withdrawnBy: (mediaId) => revocationOf(mediaId)?.owner,
    owner: () => vault.owner(),
    log,
    onChange: (mediaIds) => events.discoveryChanged(mediaIds),
  })
  return { catalogue, keeper, publishers: new Publishers({ contacts, network, catalogue, vault }) }
}

/** Has the catalogue follow everything it is made of. @returns what ends it */
export function startDiscovery(
  init: DiscoveryInit & { readonly revocations: Pick<Revocations, 'onRecorded'> },
  { keeper, publishers }: DiscoveryParts,
): () => Promise<void> {
  const { library, network, vault, contacts, events, revocations, log } = init
  let owner = vault.owner()
  const unsubscribe = [
    library.onChange((mediaIds) => keeper.changed(mediaIds)),
    network.onItem((mediaId) => keeper.changed([mediaId])),
    revocations.onRecorded((mediaId) => keeper.changed([mediaId])),
    vault.onChange(() => {
      if (vault.owner() === owner) return
      owner = vault.owner()
      // What was shared with the one before is not this one's. Checking never rejects.
      void keeper.check()
    }),
    contacts.onChange(() => events.followingChanged(publishers.list())),
    network.followed.onChange(() => events.followingChanged(publishers.list())),
    // What was found in their list is to be counted, and their own key is known by it.
    network.onFollowing(() => {
      keeper
        .settled()
        .then(() => events.followingChanged(publishers.list()))
        .catch((error: unknown) => log.error('discovery.untold', { error }))
    }),
  ]
  void keeper.check()
  return async () => {
    for (const off of unsubscribe) off()
    await keeper.stop()
  }
}
