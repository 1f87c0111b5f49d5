import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testPerson } from '../../support/sharing-node.ts'
import { Sandbox } from './sower-process.ts'

interface Printed {
  readonly mediaId: string
  readonly replaces?: string
  readonly link: string
  readonly access_level: string
  readonly people: readonly { readonly owner: string; readonly name?: string; readonly isOwner: boolean }[]
  readonly path: string
}

const ana = testPerson('Ana')
const ben = testPerson('Ben')
const text = 'the canary sings at midnight\n'.repeat(5000)

const errorOf = (stderr: string): unknown => JSON.parse(stderr.trim().split('\n').at(-1) ?? '')

/** Files of a folder in which a text stands. */
function filesWith(dir: string, wanted: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(wanted))
}

describe('sower encrypt, share, unshare, rotate, save', () => {
  it('take an item from the clear to people and away from them again, and give the file back', async () => {
    const sandbox = new Sandbox()
    await sandbox.serve('data')
    const json = (...args: string[]) => sandbox.json<Printed>(...args, '--data-dir', 'data')
    writeFileSync(sandbox.path('diary.txt'), text)
    writeFileSync(sandbox.path('ana.sowercard'), Buffer.from(ana.card.split('/').at(-1) ?? '', 'base64url'))
    const plain = await json('add', 'diary.txt')

    const encrypted = await json('encrypt', plain.mediaId, '--to', 'ana.sowercard')
    expect(encrypted).toMatchObject({ replaces: plain.mediaId, access_level: 'shared', name: 'diary.txt' })
    expect(encrypted.people.map(({ name, isOwner }) => ({ name, isOwner }))).toEqual([
      { name: undefined, isOwner: true },
      { name: 'Ana', isOwner: false },
    ])
    expect(existsSync(sandbox.path('data', 'media', plain.mediaId))).toBe(false)
    expect(existsSync(sandbox.path('data', 'media', '.trash', plain.mediaId))).toBe(false)
    expect(readFileSync(encrypted.path).includes('canary')).toBe(false)

    const shared = await json('share', encrypted.mediaId.slice(0, 12), '--to', ben.card)
    expect(shared.people.map(({ owner }) => owner).slice(1)).toEqual([ana.owner, ben.owner])
    expect(shared.link).toContain('enc=1')
    expect(shared.link).not.toContain('#k=')
    expect(shared.link).not.toContain('diary')

    const keyed = await json('share', encrypted.mediaId, '--with-key', '--expires', '7d')
    expect(keyed).toMatchObject({ hasKey: true })
    expect(keyed.link).toMatch(/[?&]exp=\d{10}(&|#).*#k=[\w-]{43}$|[?&]exp=\d{10}#k=[\w-]{43}$/)
    const key = keyed.link.split('#k=')[1] ?? ''
    // Neither in a log nor anywhere else.
    expect(key).toHaveLength(43)
    expect(filesWith(sandbox.path('data'), key)).toEqual([])

    const without = await json('unshare', encrypted.mediaId, '--from', 'Ana', '--reason', 'moved')
    expect(without.replaces).toBe(encrypted.mediaId)
    expect(without.people.map(({ owner }) => owner).slice(1)).toEqual([ben.owner])

    const rotated = await sandbox.json<{ items: number; done: number; failed: unknown[] }>(
      'rotate',
      '--all',
      '--data-dir',
      'data',
    )
    expect(rotated).toEqual({ items: 1, done: 1, failed: [] })
    const [last] = await sandbox.json<Printed[]>('ls', '--data-dir', 'data')
    expect([encrypted.mediaId, without.mediaId, plain.mediaId]).not.toContain(last?.mediaId)

    const saved = await sandbox.json<{ out: string }>(
      'save',
      last?.mediaId ?? '',
      '--out',
      sandbox.home,
      '--force',
      '--data-dir',
      'data',
    )
    expect(saved.out).toBe(sandbox.path('diary.txt'))
    expect(readFileSync(saved.out, 'utf8')).toBe(text)
  })

  it('take the card of somebody also to take access away from them', async () => {
    const sandbox = new Sandbox()
    await sandbox.serve('data')
    const json = (...args: string[]) => sandbox.json<Printed>(...args, '--data-dir', 'data')
    writeFileSync(sandbox.path('diary.txt'), text)
    writeFileSync(sandbox.path('ana.sowercard'), Buffer.from(ana.card.split('/').at(-1) ?? '', 'base64url'))
    const { mediaId } = await json('add', 'diary.txt', '--to', ana.card, '--to', ben.card)

    const without = await json('unshare', mediaId, '--from', 'ana.sowercard')
    expect(without.people.map(({ owner }) => owner).slice(1)).toEqual([ben.owner])
    const again = await sandbox.run('unshare', without.mediaId, '--from', ana.card, '--data-dir', 'data')
    expect(again).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Nobody among those who can read this item is “Ana”') as string,
    })
    await sandbox.run('contacts', 'rename', ana.card, 'Anna', '--data-dir', 'data')
    expect(await sandbox.json('contacts', 'rm', 'Anna', '--data-dir', 'data')).toEqual({ removed: ana.owner })
    const forged = JSON.parse(Buffer.from(ben.card.split('/').at(-1) ?? '', 'base64url').toString()) as object
    writeFileSync(sandbox.path('forged.sowercard'), JSON.stringify({ ...forged, owner: ana.owner }))
    const refused = await sandbox.run('contacts', 'rm', 'forged.sowercard', '--data-dir', 'data')
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('This card was refused') as string,
    })
  })

  it.each([
    ['contacts', 'rename', 'Ana', ''],
    ['contacts', 'rename', 'Ana', 'x'.repeat(201)],
    ['contacts', 'add', 'ana.sowercard', '--name', 'x'.repeat(201)],
    ['wallet', 'card', '--name', 'x'.repeat(201)],
    ['follow', 'Ana', '--name', 'x'.repeat(201)],
  ])('say how long a name may be: %s %s', async (...args) => {
    const { status, stderr } = await new Sandbox().run(...args, '--data-dir', 'data')
    expect({ status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('A name has 1 to 200 characters') as string,
    })
  })

  it('say in words what can’t be done', async () => {
    const sandbox = new Sandbox()
    await sandbox.serve('data')
    writeFileSync(sandbox.path('diary.txt'), text)
    const run = (...args: string[]) => sandbox.run(...args, '--data-dir', 'data', '--json')
    const { mediaId } = await sandbox.json<Printed>('add', 'diary.txt', '--data-dir', 'data')
    const rule = { kind: 'wallet', chain: 'ethereum', address: `0x${'ab'.repeat(20)}` }
    writeFileSync(sandbox.path('rule.json'), JSON.stringify(rule))
    const refusals = [
      [['share', mediaId, '--to', ana.card], 'CONFLICT'],
      [['share', mediaId, '--with-key'], 'CONFLICT'],
      [['share', mediaId, '--conditions', 'rule.json'], 'CONFLICT'],
      [['share', mediaId, '--conditions', 'diary.txt'], 'BAD_REQUEST'],
      [['share', mediaId, '--conditions', 'nothing.json'], 'SOURCE_UNREADABLE'],
      [['unshare', mediaId, '--from', 'Ana'], 'BAD_REQUEST'],
      [['unshare', mediaId, '--conditions'], 'CONFLICT'],
      [['encrypt', mediaId, '--to', 'nobody'], 'BAD_REQUEST'],
      [['save', mediaId, '--out', 'diary.txt'], 'CONFLICT'],
      [['save', mediaId, '--out', 'no/such/folder'], 'BAD_REQUEST'],
    ] as const
    for (const [args, code] of refusals) {
      const { status, stdout, stderr } = await run(...args)
      expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' })
      expect(errorOf(stderr)).toMatchObject({ code })
    }
    for (const args of [
      ['unshare', mediaId],
      ['rotate'],
      ['save', mediaId],
      ['share', mediaId, '--expires', 'soon'],
    ]) {
      const { status, stderr } = await run(...args)
      expect({ args, status }).toEqual({ args, status: 2 })
      expect(errorOf(stderr)).toMatchObject({ code: 'BAD_REQUEST' })
    }
  })

  it('work without a running node', async () => {
    const sandbox = new Sandbox()
    writeFileSync(sandbox.path('diary.txt'), text)
    const run = (...args: string[]) => sandbox.run(...args, '--data-dir', 'data', '--json')
    const { mediaId } = await sandbox.json<Printed>('add', 'diary.txt', '--data-dir', 'data')
    const encrypted = await sandbox.json<Printed>('encrypt', mediaId, '--data-dir', 'data')
    expect(encrypted).toMatchObject({ replaces: mediaId, access_level: 'private' })
    writeFileSync(
      sandbox.path('rule.json'),
      JSON.stringify({ kind: 'wallet', chain: 'ethereum', address: `0x${'ab'.repeat(20)}` }),
    )
    const withoutLit = await run('share', encrypted.mediaId, '--conditions', 'rule.json')
    expect({ status: withoutLit.status, error: errorOf(withoutLit.stderr) }).toMatchObject({
      status: 1,
      error: { code: 'LIT_UNAVAILABLE', hint: expect.stringContaining('npm install') as unknown },
    })
    const again = await run('encrypt', encrypted.mediaId)
    expect(errorOf(again.stderr)).toMatchObject({ code: 'CONFLICT', message: /encrypted already/ })
  })
})
