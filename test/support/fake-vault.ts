import type {
  AccessRule,
  Contact,
  EngineCallName,
  EngineHandlers,
  Item,
  MediaId,
  Transfer,
  WalletStatus,
} from '../../app/contract/index.ts'
import {
  FAKE_OWNER,
  FAKE_WORDS,
  FakePeople,
  fakeCardIndex,
  fakeCardLink,
  fakeContact,
  fakeFingerprint,
  fakePersonKey,
} from './fake-people.ts'

interface FakeVaultParts {
  readonly contacts: number
  readonly emit: (name: string, payload: unknown) => void
  readonly wallet: () => WalletStatus
  readonly setWallet: (patch: Partial<WalletStatus>) => WalletStatus
  readonly find: (mediaId: MediaId) => Item | undefined
  readonly changeItems: (change: (item: Item) => Item | null) => void
  readonly addTransfer: (patch: Partial<Transfer>) => string
  readonly items: () => readonly Item[]
}

type VaultCalls = Extract<EngineCallName, `vault.${string}` | `contacts.${string}` | `sharing.${string}`>
type FakeVaultHandlers = Pick<EngineHandlers, Exclude<VaultCalls, 'sharing.link' | 'vault.token'>>

const PASSWORD = 'correct horse'
const ASKED = [2, 7, 11]

/** What a refused call is answered with. */
export const refuse = (code: string, message: string, details?: Record<string, unknown>): Promise<never> =>
  Promise.reject(Object.assign(new Error(message), { code, ...(details === undefined ? {} : { details }) }))

/**
 * The stand-in's wallet, contacts and sharing: scripted answers, no cryptography. The right words are
 * {@link FAKE_WORDS}; the password of a backup is `correct horse`; every item can be shared.
 */
export function createFakeVault(parts: FakeVaultParts): FakeVaultHandlers {
  const { emit, setWallet, find, changeItems, addTransfer } = parts
  const people = new FakePeople()
  const rules = new Map<MediaId, AccessRule>()
  let contacts: Contact[] = Array.from({ length: parts.contacts }, (_, i) => fakeContact(i, Date.now()))
  let words: readonly string[] = FAKE_WORDS[12]
  let hasPassphrase = false

  const setContacts = (next: Contact[]) => {
    contacts = next
    emit('contacts.changed', { contacts })
  }
  const gone = () => refuse('NOT_FOUND', 'That item is gone.')
  const rekey = (item: Item) =>
    addTransfer({
      kind: 'rekey',
      name: item.name,
      stage: 'read',
      bytesDone: Math.round(item.sizeBytes * 0.3),
      bytesTotal: item.sizeBytes,
      isEncrypted: true,
      mediaId: item.mediaId,
    })
  const change = (mediaId: MediaId, patch: Partial<Item>): Promise<Item> => {
    changeItems((one) => (one.mediaId === mediaId ? { ...one, ...patch } : one))
    const item = find(mediaId)
    return item === undefined ? gone() : Promise.resolve(item)
  }
  const share = (item: Item, owners: readonly string[]) => {
    people.set(item.mediaId, owners)
    const sharedWith = people.of(item).length
    changeItems((one) =>
      one.mediaId === item.mediaId
        ? { ...one, sharedWith, accessLevel: sharedWith > 0 ? 'shared' : 'private', protection: 'readable' }
        : one,
    )
  }

  return {
    'vault.unlock': ({ passphrase }) => {
      if (parts.wallet().storage === 'passphrase' && passphrase !== PASSWORD) {
        setWallet({ state: 'wrong' })
        return refuse('WALLET_WRONG_PASSPHRASE', 'That passphrase does not open the wallet.')
      }
      return Promise.resolve(setWallet({ state: 'ready', owner: FAKE_OWNER }))
    },
    'vault.create': ({ words: count, passphrase }) => {
      words = FAKE_WORDS[count]
      hasPassphrase = passphrase !== ''
      const owner = `02${count === 24 ? 'cd'.repeat(32) : 'ef'.repeat(32)}`
      return Promise.resolve(setWallet({ owner, state: 'ready', isBackedUp: false, isReplaceable: true }))
    },
    'vault.reveal': () => Promise.resolve({ words: [...words], hasPassphrase }),
    'vault.askWords': () => Promise.resolve({ positions: ASKED }),
    'vault.confirmWords': ({ answers }) => {
      const wrong = answers.find(({ position, word }) => words[position - 1] !== word)
      return wrong === undefined
        ? Promise.resolve(setWallet({ isBackedUp: true }))
        : refuse('PHRASE_INVALID', `Word ${wrong.position} is not the one.`, { positions: [wrong.position] })
    },
    'vault.exportBackup': () =>
      Promise.resolve({ fileName: 'sower-wallet.sowerbackup', text: '{"sealed":"not really"}' }),
    'vault.backupSaved': () => Promise.resolve(setWallet({ isBackedUp: true })),
    'vault.restore': (args) => {
      if (args.from === 'file') {
        if (args.password !== PASSWORD)
          return refuse('WALLET_WRONG_PASSPHRASE', 'The password does not open this backup.')
      } else {
        const given = args.words.trim().split(/\s+/)
        const known = new Set<string>([...FAKE_WORDS[12], ...FAKE_WORDS[24]])
        const wrong = given.findIndex((word) => !known.has(word))
        if (wrong >= 0)
          return refuse('PHRASE_INVALID', `Word ${wrong + 1} is not on the list.`, {
            reason: 'word',
            position: wrong + 1,
          })
      }
      const { state, isReplaceable, isBackedUp } = parts.wallet()
      if (state === 'ready' && !isReplaceable) {
        if (!isBackedUp) return refuse('BACKUP_NEEDED', 'The present wallet has no backup.')
        if (!args.isReplacing) return refuse('CONFLICT', 'This node belongs to another wallet.')
      }
      return Promise.resolve(
        setWallet({ state: 'ready', owner: `02${'5e'.repeat(32)}`, isBackedUp: true, isReplaceable: false }),
      )
    },
    'vault.card': ({ name }) => {
      const owner = parts.wallet().owner ?? FAKE_OWNER
      return Promise.resolve({
        link: fakeCardLink(99) + btoa('x'.repeat(360)).replaceAll('=', ''),
        json: JSON.stringify({ owner, ...(name === undefined ? {} : { name }) }),
        owner,
        fingerprint: fakeFingerprint(owner),
      })
    },

    'contacts.list': () => Promise.resolve({ contacts }),
    'contacts.add': ({ card, name }) => {
      const index = fakeCardIndex(card)
      if (index === null) return refuse('CARD_INVALID', 'This is no card, or its signature does not hold.')
      const contact = fakeContact(index, Date.now(), name)
      setContacts([...contacts.filter((one) => one.owner !== contact.owner), contact])
      return Promise.resolve(contact)
    },
    'contacts.rename': ({ owner, name }) => {
      const contact = contacts.find((one) => one.owner === owner)
      if (contact === undefined) return refuse('NOT_FOUND', 'That contact is gone.')
      const renamed = { ...contact, name }
      setContacts(contacts.map((one) => (one.owner === owner ? renamed : one)))
      return Promise.resolve(renamed)
    },
    'contacts.remove': ({ owner }) => {
      setContacts(contacts.filter((one) => one.owner !== owner))
      return Promise.resolve({})
    },

    'sharing.people': ({ mediaId }) => {
      const item = find(mediaId)
      if (item === undefined) return gone()
      const rule = rules.get(mediaId)
      const conditions = rule === undefined ? {} : { rule }
      return Promise.resolve({
        people: people.list(item, contacts),
        ...(item.hasConditions ? { conditions } : {}),
      })
    },
    'sharing.addPeople': ({ mediaId, people: added }) => {
      const item = find(mediaId)
      if (item === undefined) return gone()
      share(item, [...people.of(item), ...added])
      return Promise.resolve(find(mediaId) ?? item)
    },
    'sharing.setConditions': ({ mediaId, rule }) => {
      rules.set(mediaId, rule)
      return change(mediaId, { hasConditions: true })
    },
    'sharing.openWithLit': ({ mediaId }) =>
      change(mediaId, { protection: 'readable', name: 'for-holders.webm', mime: 'video/webm' }),
    'sharing.removePeople': ({ mediaId, people: removed, isWithoutConditions }) => {
      const item = find(mediaId)
      if (item === undefined) return gone()
      if (isWithoutConditions) {
        rules.delete(mediaId)
        void change(mediaId, { hasConditions: false })
      }
      share(
        item,
        people.of(item).filter((owner) => !removed.includes(owner)),
      )
      return Promise.resolve({ transferId: rekey(item) })
    },
    'sharing.encrypt': ({ mediaId, people: added }) => {
      const item = find(mediaId)
      if (item === undefined) return gone()
      share(item, added)
      return Promise.resolve({ transferId: rekey(item) })
    },
    'sharing.rotateAll': () => {
      const own = parts.items().filter((item) => item.isOwn && item.protection === 'readable')
      return Promise.resolve({ transferIds: own.map(rekey) })
    },
    'sharing.requestAccess': ({ mediaId }) =>
      Promise.resolve({
        text: `Please let me read sower://media/${mediaId}. My card: ${fakeCardLink(99)}`,
        owner: fakePersonKey(7),
      }),
  }
}
