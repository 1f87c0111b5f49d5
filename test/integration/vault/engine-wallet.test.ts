import { cpSync } from 'node:fs'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { mnemonicToEntropy, mnemonicToSeedSync } from 'bip39'
import { describe, expect, it } from 'vitest'
import { engineCalls } from '../../../app/contract/index.ts'
import { makeCard, cardLink } from '../../../app/vault/contacts/card.ts'
import { seaPairFromSeed } from '../../../app/vault/envelope/sea.ts'
import { deriveKeys } from '../../../app/vault/wallet.ts'
import { MemoryKeychain } from '../../unit/vault/memory-keychain.ts'
import { Home, Node } from './engine-node.ts'

const ABOUT = `${'abandon '.repeat(11)}about`
const LEGAL = 'legal winner thank year wave sausage worth useful legal winner thank yellow'
const PASSPHRASE = 'TREZOR-passphrase'
const PASSWORD = 'correct horse battery staple'

/** A card of somebody else. */
function strangersCard(): string {
  const key = Buffer.alloc(32, 7)
  const { pub, epub } = seaPairFromSeed(Buffer.alloc(64, 7))
  const signer = {
    publicKey: Buffer.from(secp256k1.getPublicKey(key)).toString('hex'),
    sign: (hash: Uint8Array) => secp256k1.sign(hash, key, { prehash: false, lowS: true }),
  }
  return cardLink(makeCard({ signer, pub, epub, nodes: [], name: 'Ben', nowMs: Date.now() }))
}

/** Everything of a wallet that must never be seen, in every form it might be seen in. */
async function secretsOf(words: string, passphrase: string): Promise<Map<string, Buffer>> {
  const entropy = Buffer.from(mnemonicToEntropy(words), 'hex')
  const seed = mnemonicToSeedSync(words, passphrase)
  const keys = await deriveKeys({ entropy, seed })
  const found = new Map<string, Buffer>()
  const bytes: [string, Buffer][] = [
    ['entropy', entropy],
    ['seed', seed],
    ['owner key', keys.privateKey],
    ['sea priv', Buffer.from(keys.sea.priv, 'base64url')],
    ['sea epriv', Buffer.from(keys.sea.epriv, 'base64url')],
  ]
  for (const [name, value] of bytes) {
    // Zeros are everywhere.
    if (!value.every((byte) => byte === 0)) found.set(`${name} raw`, value)
    for (const form of ['hex', 'base64', 'base64url'] as const)
      if (!value.every((byte) => byte === 0)) found.set(`${name} ${form}`, Buffer.from(value.toString(form)))
  }
  const list = words.split(' ')
  found.set('words', Buffer.from(words))
  found.set(
    'words as JSON',
    Buffer.from(
      list
        .slice(0, 3)
        .map((word) => JSON.stringify(word))
        .join(','),
    ),
  )
  found.set('three words', Buffer.from(list.slice(3, 6).join(' ')))
  return found
}

describe('a whole session of every call', () => {
  it.each(['keychain', 'key file'])(
    'leaves nothing secret behind, with a %s',
    { timeout: 180_000 },
    async (storage) => {
      const home = new Home()
      const keychain = new MemoryKeychain()
      if (storage === 'key file') keychain.failure = { code: 'KEYCHAIN_ABSENT' }
      const node = await Node.start(home, { keychain })
      const replies: string[] = []
      const asked = new Set<string>()
      const ask = async (name: string, args: unknown): Promise<Record<string, unknown>> => {
        asked.add(name)
        const reply = await node.ask(name, args)
        // The two answers that are the secret, or sealed with a password.
        if (!(reply.ok && ['vault.reveal', 'vault.exportBackup'].includes(name)))
          replies.push(JSON.stringify(reply))
        return (reply.ok ? reply.value : {}) as Record<string, unknown>
      }
      const secrets: [string, string][] = [[LEGAL, PASSPHRASE]]
      await ask('vault.create', { words: 24, passphrase: PASSPHRASE })
      const { words } = (await ask('vault.reveal', {})) as { words: string[] }
      secrets.push([words.join(' '), PASSPHRASE])
      const restore = { from: 'words', words: LEGAL, passphrase: PASSPHRASE }
      await ask('vault.restore', { ...restore, words: `${LEGAL} wrong` })
      await ask('vault.restore', { ...restore, words: LEGAL.replace('wave', 'wawe') })
      await ask('vault.restore', restore)
      const { positions } = (await ask('vault.askWords', {})) as { positions: number[] }
      const answers = positions.map((position) => ({ position, word: LEGAL.split(' ')[position - 1] }))
      await ask('vault.confirmWords', { answers: answers.map((answer) => ({ ...answer, word: 'yellow' })) })
      await ask('vault.confirmWords', { answers })
      const { text } = (await ask('vault.exportBackup', { password: PASSWORD })) as { text: string }
      await ask('vault.backupSaved', {})
      await ask('vault.restore', { from: 'file', text, password: PASSWORD })
      await ask('vault.restore', { from: 'file', text, password: `${PASSWORD}!` })
      await ask('vault.restore', { from: 'file', text: text.slice(0, 300), password: PASSWORD })
      // Arguments of no use: the refusal must not repeat them.
      for (const args of [
        restore,
        { ...restore, extra: LEGAL },
        LEGAL,
        [LEGAL],
        { words: LEGAL, passphrase: PASSPHRASE },
      ])
        for (const name of ['vault.create', 'vault.unlock', 'vault.reveal', 'no.such']) await ask(name, args)
      await ask('vault.unlock', { passphrase: PASSPHRASE })
      await ask('vault.token', {})
      await ask('vault.card', { name: 'Ana' })
      await ask('contacts.add', { card: strangersCard() })
      const [contact] = ((await ask('contacts.list', {})) as { contacts: { owner: string }[] }).contacts
      const mediaId = await node.add(home.write('secret.txt', 'x'.repeat(100_000)), { isEncrypted: true })
      const people = [contact?.owner]
      const once: Record<string, unknown> = {
        'contacts.rename': { owner: contact?.owner, name: 'Benjamin' },
        'library.get': { mediaId },
        'library.setSeeding': { mediaIds: [mediaId], isSeedingWanted: true },
        'library.setAccess': { mediaId, accessLevel: 'private' },
        'library.verify': { mediaIds: [mediaId] },
        'library.saveCopy': { mediaId, path: home.path('copy.txt') },
        'library.playUrl': { mediaId },
        'fetching.inspect': { link: `sower://media/${mediaId}?v=1` },
        'fetching.start': { link: `sower://media/${'0'.repeat(64)}?v=1` },
        'sharing.link': { mediaId },
        'sharing.people': { mediaId },
        'sharing.addPeople': { mediaId, people },
        'sharing.removePeople': { mediaId, people },
        'sharing.requestAccess': { mediaId },
        'settings.set': { isSeedingPaused: false },
        'node.dismissNotice': { id: 'none' },
        'library.remove': { mediaIds: [mediaId] },
        'library.restore': { mediaIds: [mediaId] },
        'contacts.remove': { owner: contact?.owner },
      }
      for (const [name, args] of Object.entries(once)) await ask(name, args)
      for (const name of Object.keys(engineCalls)) if (!asked.has(name)) await ask(name, {})
      await new Promise((resolve) => setTimeout(resolve, 1500))
      await node.stop()

      expect(asked.size).toBeGreaterThanOrEqual(Object.keys(engineCalls).length)
      const places: [string, Buffer][] = [
        ['replies', Buffer.from(replies.join('\n'))],
        ['events', Buffer.from(node.events.join('\n'))],
        ...home.files(),
      ]
      // There is something to look at: the log of a session at its most talkative, the database, the record.
      const names = places.map(([name]) => name).join('\n')
      for (const name of ['sower.log', 'sower.db', 'wallet.json']) expect(names).toContain(name)
      for (const [phrase, passphrase] of secrets) {
        const hidden = await secretsOf(phrase, passphrase)
        hidden.set('passphrase', Buffer.from(PASSPHRASE))
        hidden.set('password', Buffer.from(PASSWORD))
        for (const [what, bytes] of hidden)
          for (const [place, content] of places)
            expect(content.includes(bytes), `${what} in ${place}`).toBe(false)
      }
      // The search finds what is there.
      const owner = (
        await deriveKeys({ entropy: Buffer.alloc(16), seed: mnemonicToSeedSync(LEGAL, PASSPHRASE) })
      ).publicKey
      for (const place of ['replies', 'events', 'wallet.json'])
        expect(
          places.some(([name, content]) => name.endsWith(place) && content.includes(owner)),
          place,
        ).toBe(true)
    },
  )
})

describe('with a wallet that can’t be opened', () => {
  const states: [string, string, (keychain: MemoryKeychain) => void][] = [
    ['locked', 'KEYCHAIN_LOCKED', (keychain) => (keychain.failure = { code: 'KEYCHAIN_LOCKED' })],
    ['absent', 'KEYCHAIN_ABSENT', (keychain) => (keychain.failure = { code: 'KEYCHAIN_ABSENT' })],
    ['denied', 'KEYCHAIN_DENIED', (keychain) => (keychain.failure = { code: 'KEYCHAIN_DENIED' })],
    ['absent', 'WALLET_MISSING', (keychain) => keychain.entries.clear()],
    ['wrong', 'WALLET_MISSING', (keychain) => change(keychain, '11'.repeat(16))],
    ['damaged', 'WALLET_DAMAGED', (keychain) => change(keychain, 'hello')],
  ]

  it(
    'public media are served as ever, each state has its own sentence, and restoring mends it',
    { timeout: 180_000 },
    async () => {
      const home = new Home()
      const keychain = new MemoryKeychain()
      const first = await Node.start(home, { keychain })
      await first.call('vault.restore', { from: 'words', words: ABOUT })
      const open = await first.add(home.write('public.txt', 'for everybody'), { accessLevel: 'public' })
      const secret = await first.add(home.write('private.txt', 'for me'), { isEncrypted: true })
      await first.stop()
      const whole = new Map(keychain.entries)
      const sentences = new Set<string>()
      for (const [state, code, breakIt] of states) {
        keychain.entries.clear()
        for (const [account, text] of whole) keychain.entries.set(account, text)
        keychain.failure = undefined
        breakIt(keychain)
        const node = await Node.start(home, { keychain })
        const { wallet } = await node.call('node.status', {})
        expect(wallet).toMatchObject({ state, isBackedUp: true, isReplaceable: false })
        sentences.add(wallet.message ?? '')
        // Public media: there, listed, served.
        const answer = await fetch(`${node.addresses.url}/media/${open}`)
        expect(await answer.text()).toBe('for everybody')
        expect((await node.call('library.list', {})).items.map((item) => item.mediaId).toSorted()).toEqual(
          [open, secret].toSorted(),
        )
        expect((await node.call('library.get', { mediaId: open })).isOwn).toBe(true)
        // What needs the wallet says why it does not work, and where.
        for (const name of ['vault.token', 'vault.card', 'vault.reveal', 'vault.askWords']) {
          const reply = await node.ask(name, {})
          expect(reply).toMatchObject({ ok: false, error: { code } })
        }
        // And it comes back with its words, wherever it can be put.
        if (code.startsWith('WALLET')) {
          expect(await node.call('vault.restore', { from: 'words', words: ABOUT })).toMatchObject({
            state: 'ready',
          })
          expect((await node.call('library.get', { mediaId: secret })).isOwn).toBe(true)
        } else {
          keychain.failure = undefined
          expect(await node.call('vault.unlock', {})).toMatchObject({ state: 'ready' })
        }
        await expect
          .poll(async () => (await node.call('library.get', { mediaId: secret })).protection, {
            timeout: 10_000,
          })
          .toBe('readable')
        await node.stop()
      }
      expect(sentences.size).toBe(states.length)
    },
  )

  function change(keychain: MemoryKeychain, text: string): void {
    for (const account of keychain.entries.keys()) keychain.entries.set(account, text)
  }
})

it(
  'on a clean machine the words and the media folder bring back every private item',
  { timeout: 120_000 },
  async () => {
    const home = new Home()
    const keychain = new MemoryKeychain()
    const node = await Node.start(home, { keychain })
    await node.call('vault.create', { words: 24, passphrase: PASSPHRASE })
    const { words } = await node.call('vault.reveal', {})
    const mediaId = await node.add(home.write('diary.txt', 'dear diary'), { isEncrypted: true })
    await node.stop()

    const clean = new Home()
    cpSync(home.path('media'), clean.path('media'), { recursive: true })
    const other = await Node.start(clean, { keychain: new MemoryKeychain() })
    const before = await other.call('library.get', { mediaId })
    expect(before).toMatchObject({ isOwn: false, protection: 'needs-key', name: 'Encrypted item' })
    // Nothing depends on the wallet the first start made: no question is asked.
    await other.call('vault.restore', { from: 'words', words: words.join(' '), passphrase: PASSPHRASE })
    await expect
      .poll(() => other.call('library.get', { mediaId }), { timeout: 20_000 })
      .toMatchObject({ isOwn: true, protection: 'readable', name: 'diary.txt' })
  },
)

it('tells whoever listens that another wallet is there', { timeout: 60_000 }, async () => {
  const node = await Node.start(new Home(), { keychain: new MemoryKeychain() })
  const { owner } = await node.call('vault.restore', { from: 'words', words: ABOUT })
  await expect
    .poll(() =>
      node.events.some((event) => event.startsWith('["node.changed"') && event.includes(owner ?? '?')),
    )
    .toBe(true)
  await node.call('contacts.add', { card: strangersCard() })
  expect(node.events.some((event) => event.startsWith('["contacts.changed"') && event.includes('Ben'))).toBe(
    true,
  )
})
