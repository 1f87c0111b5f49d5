import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { KeptFolder, MediaFolder, openDatabase } from '../../../app/library/index.ts'
import { Followed } from '../../../app/network/followed.ts'
import { silentLog as log } from '../../../app/ports/log.ts'
import { Contacts, KeptList } from '../../../app/vault/index.ts'
import type { SeaPair } from '../../../app/vault/index.ts'
import { selfName } from '../../../app/vault/self-seal.ts'
import { testPerson } from '../../support/sharing-node.ts'
import { tempDir } from '../../support/temp-dir.ts'

const [me, other] = ['me', 'other'].map(testPerson) as [
  ReturnType<typeof testPerson>,
  ReturnType<typeof testPerson>,
]
const [ana, ben] = ['Ana', 'Ben'].map(testPerson) as [
  ReturnType<typeof testPerson>,
  ReturnType<typeof testPerson>,
]

async function setUp() {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const clock = { nowMs: () => Date.now() }
  const folder = new MediaFolder({ dir: dir.file('media'), log, clock })
  await folder.open()
  onTestFinished(() => folder.close())
  const wallet: { is: typeof me | undefined } = { is: me }
  const pair = (): SeaPair => {
    if (wallet.is === undefined) throw new AppError('KEYCHAIN_LOCKED', 'The keychain is locked.')
    return wallet.is.pair
  }
  let databases = 0
  /** A node on this media folder whose database is new. */
  const open = () => {
    const db = openDatabase(dir.file(`sower-${++databases}.db`), { log, clock })
    onTestFinished(() => db.close())
    const places = { db, folder: new KeptFolder(folder), pair, clock, log }
    const contacts = new Contacts({
      db,
      clock,
      owner: () => wallet.is?.owner ?? null,
      ownKeys: () => wallet.is?.pair,
    })
    const file = new KeptList({ name: 'contacts', list: contacts, ...places })
    const followed = new Followed(db, clock)
    const followedFile = new KeptList({ name: 'followed', list: followed, ...places })
    return { contacts, followed, followedFile, file, names: () => contacts.list().map(({ name }) => name) }
  }
  const pathOf = (of: typeof me, name = 'contacts'): string =>
    path.join(folder.dir, '.kept', selfName(of.pair), name)
  return { open, wallet, pathOf, folder }
}

describe('the contacts in the media folder', () => {
  it('are the database’s, also what changed while the wallet was locked', async () => {
    const { open, wallet } = await setUp()
    const first = open()
    first.contacts.add(ana.card, 'Ana from the choir')
    first.contacts.add(ben.card)
    expect(first.file.settle()).toBe(0)
    wallet.is = undefined
    first.contacts.remove(ben.owner)
    expect(first.file.settle()).toBe(0)
    wallet.is = me
    expect(first.file.settle()).toBe(0)
    expect(first.names()).toEqual(['Ana from the choir'])
    const second = open()
    expect(second.file.settle()).toBe(1)
    expect(second.names()).toEqual(['Ana from the choir'])
    expect(second.file.settle()).toBe(0)
  })

  it('join those a new database has already, whose names stay', async () => {
    const { open } = await setUp()
    const first = open()
    first.contacts.add(ana.card, 'Ana from the choir')
    first.contacts.add(ben.card)
    first.file.settle()
    const second = open()
    second.contacts.add(ana.card, 'Ana at work')
    expect(second.file.settle()).toBe(1)
    expect(second.names()).toEqual(['Ana at work', 'Ben'])
    expect(open().file.settle()).toBe(2)
  })

  it('of another wallet are neither read nor touched', async () => {
    const { open, wallet, pathOf } = await setUp()
    const first = open()
    first.contacts.add(ana.card)
    first.file.settle()
    const before = readFileSync(pathOf(me), 'utf8')
    for (const part of [me.owner, me.pair.pub, ana.owner, 'Ana']) expect(before).not.toContain(part)
    wallet.is = other
    const second = open()
    expect(second.file.settle()).toBe(0)
    expect(existsSync(pathOf(other))).toBe(false)
    second.contacts.add(ben.card)
    second.file.settle()
    expect(readFileSync(pathOf(me), 'utf8')).toBe(before)
    wallet.is = me
    expect(second.file.settle()).toBe(1)
    expect(second.names()).toEqual(['Ana', 'Ben'])
  })

  it('that are damaged are moved aside, and written anew', async () => {
    const { open, pathOf } = await setUp()
    const node = open()
    node.contacts.add(ana.card)
    node.file.settle()
    writeFileSync(pathOf(me), readFileSync(pathOf(me), 'utf8').slice(0, 500))
    expect(node.file.settle()).toBe(0)
    const names = readdirSync(path.dirname(pathOf(me)))
    expect(names).toContainEqual(expect.stringMatching(/^contacts\.damaged-/))
    expect(open().file.settle()).toBe(1)
  })

  it('wait while the folder can’t be written to or is away', async () => {
    const { open, pathOf, folder } = await setUp()
    const node = open()
    node.contacts.add(ana.card)
    writeFileSync(path.join(folder.dir, '.kept'), 'in the way')
    expect(node.file.settle()).toBe(0)
    expect(node.names()).toEqual(['Ana'])
    expect(existsSync(pathOf(me))).toBe(false)
    rmSync(path.join(folder.dir, '.kept'))
    node.file.settle()
    expect(open().file.settle()).toBe(1)
  })
})

describe('whom one follows, in the media folder', () => {
  it('is the database’s, and comes back to a new one', async () => {
    const { open, pathOf } = await setUp()
    const first = open()
    first.followed.add({ pub: ana.pair.pub, owner: ana.owner, name: 'Ana' })
    first.followed.add({ pub: ben.pair.pub })
    expect(first.followedFile.settle()).toBe(0)
    const text = readFileSync(pathOf(me, 'followed'), 'utf8')
    for (const part of [ana.owner, ana.pair.pub, ben.pair.pub, 'Ana']) expect(text).not.toContain(part)
    const second = open()
    expect(second.followedFile.settle()).toBe(2)
    expect(second.followed.kept()).toEqual(first.followed.kept())
    second.followed.remove(ben.pair.pub)
    expect(second.followedFile.settle()).toBe(0)
    const third = open()
    third.followed.add({ pub: ana.pair.pub, name: 'Ana at work' })
    expect(third.followedFile.settle()).toBe(0)
    expect(third.followed.list().map(({ name }) => name)).toEqual(['Ana at work'])
  })
})
