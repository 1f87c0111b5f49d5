import { describe, expect, it } from 'vitest'
import type { EngineCallName, ItemDetail, MediaId } from '../../../app/contract/index.ts'
import { abilitiesOf } from '../../../renderer/library/item-abilities.ts'
import type { ItemAbilities } from '../../../renderer/library/item-abilities.ts'
import { testPerson } from '../../support/sharing-node.ts'
import { MemoryKeychain } from '../../unit/vault/memory-keychain.ts'
import { Home, Node } from '../vault/engine-node.ts'

const ben = testPerson('ben')

type Verb = Exclude<keyof ItemAbilities, 'isSeedable' | 'hasMagnet'>
type Calls = readonly (readonly [EngineCallName, object])[]

/** What the window asks for each verb; one that changes the item is undone, or comes last. */
function callsFor(verb: Verb, item: ItemDetail, home: Home): Calls {
  const { mediaId } = item
  const other = item.accessLevel === 'public' ? 'private' : 'public'
  const copy = { mediaId, path: home.path(`${verb}-${mediaId}`), isReplacing: true }
  const table: Readonly<Record<Verb, Calls>> = {
    isReadable: [
      ['library.playUrl', { mediaId }],
      ['library.saveCopy', copy],
    ],
    linkWithKey: [['sharing.link', { mediaId, withKey: true }]],
    askAccess: [['sharing.requestAccess', { mediaId }]],
    openWithLit: [['sharing.openWithLit', { mediaId }]],
    verify: [['library.verify', { mediaIds: [mediaId] }]],
    changePeople: [['sharing.addPeople', { mediaId, people: [ben.owner] }]],
    setAccess: [
      ['library.setAccess', { mediaId, accessLevel: other }],
      ['library.setAccess', { mediaId, accessLevel: item.accessLevel }],
    ],
    encrypt: [['sharing.encrypt', { mediaId }]],
  }
  return table[verb]
}
const VERBS: readonly Verb[] = [
  'isReadable',
  'linkWithKey',
  'askAccess',
  'openWithLit',
  'changePeople',
  'setAccess',
  'verify',
  'encrypt',
]

/** What is not offered although the engine would do it: it would be of no use. */
const NEEDLESS: Readonly<Record<string, readonly Verb[]>> = {
  'own, in the clear, private': ['openWithLit'],
  'own, in the clear, public': ['openWithLit'],
  'own, in the clear, being encrypted': ['openWithLit'],
  'own, encrypted': ['openWithLit'],
  'another’s, public': ['openWithLit'],
  'another’s, with its key': ['openWithLit'],
  'own, being encrypted anew': ['openWithLit'],
}

async function ready(node: Node, mediaId: string): Promise<ItemDetail> {
  for (const end = Date.now() + 20_000; ;) {
    const reply = await node.ask('library.get', { mediaId })
    const item = reply.ok ? (reply.value as ItemDetail) : undefined
    if (item !== undefined && item.state !== 'checking') return item
    if (Date.now() > end) throw new Error(`it never came: ${JSON.stringify(reply)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('what the window offers for an item', () => {
  it('is what the engine does, and nothing it would refuse', { timeout: 90_000 }, async () => {
    const source = new Home()
    const owner = await Node.start(source, { keychain: new MemoryKeychain(), mode: 'headless' })
    const home = new Home()
    const node = await Node.start(home, { keychain: new MemoryKeychain(), mode: 'headless' })
    await node.call('contacts.add', { card: ben.card })
    let made = 0
    const write = (where: Home): string => where.write(`file-${++made}.txt`, `text ${made} `.repeat(9000))
    const fetched = async (args: object, withKey = false): Promise<string> => {
      const mediaId = (await owner.add(write(source), args)) as MediaId
      const { link } = await owner.call('sharing.link', { mediaId, ...(withKey ? { withKey } : {}) })
      await node.call('fetching.start', { link, from: [`127.0.0.1:${owner.addresses.peerPort}`] })
      return (await ready(node, mediaId)).mediaId
    }
    const encrypted = { isEncrypted: true }
    const items = new Map<string, string>([
      ['another’s, public', await fetched({ accessLevel: 'public' })],
      ['another’s, with its key', await fetched(encrypted, true)],
      ['another’s, without its key', await fetched(encrypted)],
      ['own, being encrypted anew', await node.add(write(home), encrypted)],
    ])
    const [transferId] = (await node.call('sharing.rotateAll', {})).transferIds
    await node.call('transfers.pause', { id: transferId })
    items.set('own, encrypted', await node.add(write(home), encrypted))
    items.set('own, in the clear, public', await node.add(write(home), { accessLevel: 'public' }))
    items.set('own, in the clear, private', await node.add(write(home), { accessLevel: 'private' }))

    const waiting = await node.add(write(home), { accessLevel: 'private' })
    const encrypting = await node.call('sharing.encrypt', { mediaId: waiting })
    await node.call('transfers.pause', { id: encrypting.transferId })
    items.set('own, in the clear, being encrypted', waiting)

    const wrong: string[] = []
    for (const [kind, mediaId] of items) {
      const item = await ready(node, mediaId)
      const can = abilitiesOf(item, kind.includes('being encrypted'))
      const { magnetURI } = await node.call('sharing.link', { mediaId })
      if (can.hasMagnet !== (magnetURI !== undefined)) wrong.push(`${kind}: hasMagnet`)
      for (const verb of VERBS) {
        for (const [name, args] of callsFor(verb, item, home)) {
          const reply = await node.ask(name, args)
          const isOffered = can[verb] || (NEEDLESS[kind]?.includes(verb) ?? false)
          if (reply.ok !== isOffered) wrong.push(`${kind}: ${verb}: ${JSON.stringify(reply).slice(0, 200)}`)
        }
        if (verb === 'verify') await ready(node, mediaId)
      }
    }
    expect(wrong).toEqual([])

    // What is in the trash or still arriving is on no list of items, and nothing can be done with it.
    const gone = items.get('own, encrypted') ?? ''
    const trashed: ItemDetail = { ...(await ready(node, gone)), accessLevel: 'private' }
    await node.call('library.remove', { mediaIds: [gone] })
    const coming = 'c0'.repeat(32)
    await node.call('fetching.start', { link: coming })
    const { items: listed } = await node.call('library.list', {})
    for (const mediaId of [gone, coming]) {
      expect(listed.map((item) => item.mediaId)).not.toContain(mediaId)
      for (const verb of VERBS) {
        for (const [name, args] of callsFor(verb, { ...trashed, mediaId: mediaId as MediaId }, home))
          expect(await node.ask(name, args)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
      }
    }
  })
})
