import { randomBytes } from 'node:crypto'
import type { SignedRevocation } from '../../app/http/index.ts'
import { signRevocation } from '../../app/sharing/revocation.ts'
import { seaPairFromSeed } from '../../app/vault/envelope/sea.ts'
import { startTestNode, TEST_PAIR } from '../integration/http/test-node.ts'
import type { TestNode } from '../integration/http/test-node.ts'
import { testSigner } from '../unit/manifest/owner.ts'
import { storeEncrypted, storePlain } from '../integration/access/items.ts'
import type { StoredItem } from '../integration/access/items.ts'
import { logIn } from '../integration/access/login.ts'

/** Whose items they are. */
export const publisher = testSigner(7)
const recipient = testSigner(8)
const removed = testSigner(9)
export const stranger = testSigner(10)
const pair = seaPairFromSeed(Buffer.alloc(64, 6))

/** The order of every row below. The recipient is in `shared_with`; the removed one was, until it was encrypted anew. */
export const READERS = ['anonymous', 'stranger', 'recipient', 'removed', 'publisher', 'owner'] as const
export type Reader = (typeof READERS)[number]
export type Row = readonly [number, number, number, number, number, number]

export const EVERYBODY: Row = [200, 200, 200, 200, 200, 200]
export const NOBODY: Row = [404, 404, 404, 404, 404, 404]
const PEOPLE: Row = [404, 404, 200, 404, 200, 200]
const OWNERS: Row = [404, 404, 404, 404, 200, 200]
/** Those who could read it, or what took its place. */
export const WITHDRAWN: Row = [404, 404, 410, 410, 410, 410]

/** What may be known of an item, whichever of its routes is asked. */
export const KNOWN = {
  public: EVERYBODY,
  private: OWNERS,
  'shared, in the clear': PEOPLE,
  organization: PEOPLE,
  'private, encrypted': OWNERS,
  'shared, encrypted': PEOPLE,
  'organization, encrypted': PEOPLE,
  withdrawn: WITHDRAWN,
  'in the trash': NOBODY,
  'nobody’s': NOBODY,
  'no id': NOBODY,
} as const satisfies Record<string, Row>
export type Kind = keyof typeof KNOWN

/** In the name and the bytes of whatever is sealed. */
export const CANARY = `canary-${randomBytes(12).toString('hex')}`

interface Stock {
  readonly ids: ReadonlyMap<Kind, string>
  /** Those that are there, or were. */
  readonly items: ReadonlyMap<Kind, StoredItem>
  readonly tokens: ReadonlyMap<Reader, string>
  readonly revocations: Map<string, SignedRevocation>
}

/** A node with an item of every kind, and a token for every reader. */
export interface AccessNode extends Pick<Stock, 'items' | 'revocations'> {
  readonly node: TestNode
  readonly idOf: (kind: Kind) => string
  readonly headersFor: (reader: Reader) => Record<string, string>
  readonly urlOf: (route: string, id: string) => string
}

function accessTo(node: TestNode, { ids, items, tokens, revocations }: Stock): AccessNode {
  return {
    node,
    items,
    revocations,
    idOf: (kind) => {
      const id = ids.get(kind)
      if (id === undefined) throw new Error(`there is no item that is ${kind}`)
      return id
    },
    headersFor: (reader) => {
      const token = tokens.get(reader)
      return token === undefined ? {} : { authorization: `Bearer ${token}` }
    },
    urlOf: (route, id) => {
      const path = route.replace(/^\w+ /, '')
      return path === '/media/manifest'
        ? `${node.url}${path}?id=${id}`
        : node.url + path.replace(':mediaId', id)
    },
  }
}

/** Whoever opens it stops its node. */
export async function openAccessNode(): Promise<AccessNode> {
  const revocations = new Map<string, SignedRevocation>()
  const node = await startTestNode({ revocations, isNetworked: true })
  const ids = new Map<Kind, string>()
  const items = new Map<Kind, StoredItem>()
  const tokens = new Map<Reader, string>()
  const access = accessTo(node, { ids, items, tokens, revocations })
  const signer = publisher
  const sharedWith = [recipient.publicKey]
  const us = { owner: node.owner, pub: TEST_PAIR.pub, epub: TEST_PAIR.epub }
  const recipients = [us, { owner: recipient.publicKey, pub: pair.pub, epub: pair.epub }]
  const clear = (name: string) => ({ signer, name, mime: 'text/plain' })
  const sealed = { signer, name: `${CANARY}.gif`, mime: 'image/gif', recipients }
  const plain = (): Buffer => Buffer.concat([Buffer.from(`GIF89a ${CANARY}`), randomBytes(100_000)])
  const bytes = (): Buffer => randomBytes(1000)
  const store = { clear: storePlain.bind(null, node), sealed: storeEncrypted.bind(null, node) }

  items.set('public', await store.clear(bytes(), { ...clear('public.txt'), accessLevel: 'public' }))
  items.set(
    'private',
    await store.clear(bytes(), { ...clear('private.txt'), accessLevel: 'private', sharedWith }),
  )
  items.set(
    'shared, in the clear',
    await store.clear(bytes(), { ...clear('shared.txt'), accessLevel: 'shared', sharedWith }),
  )
  items.set(
    'organization',
    await store.clear(bytes(), { ...clear('org.txt'), accessLevel: 'organization', sharedWith }),
  )
  items.set('private, encrypted', await store.sealed(plain(), { ...sealed, accessLevel: 'private' }))
  items.set(
    'organization, encrypted',
    await store.sealed(plain(), { ...sealed, accessLevel: 'organization', sharedWith }),
  )

  const before = [recipient.publicKey, removed.publicKey]
  items.set(
    'withdrawn',
    await store.sealed(plain(), { ...sealed, accessLevel: 'shared', sharedWith: before }),
  )
  items.set(
    'shared, encrypted',
    await store.sealed(plain(), { ...sealed, accessLevel: 'shared', sharedWith }),
  )
  items.set('in the trash', await store.clear(bytes(), { ...clear('gone.txt'), accessLevel: 'public' }))
  for (const [kind, { row }] of items) ids.set(kind, row.mediaId)
  await node.library.remove([access.idOf('in the trash')])
  revocations.set(
    access.idOf('withdrawn'),
    signRevocation(
      { mediaId: access.idOf('withdrawn'), supersededBy: access.idOf('shared, encrypted'), atMs: Date.now() },
      publisher,
    ),
  )
  ids.set('nobody’s', 'ab'.repeat(32))
  ids.set('no id', 'AB')

  const signers = { stranger, recipient, removed, publisher }
  await node.index()
  for (const [name, one] of Object.entries(signers)) tokens.set(name as Reader, await logIn(node.url, one))
  tokens.set('owner', node.ownerToken)
  return access
}
