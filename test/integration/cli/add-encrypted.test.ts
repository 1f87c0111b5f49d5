import { readFile, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { testPerson } from '../../support/sharing-node.ts'
import { Sandbox } from './sower-process.ts'

interface AddedItem {
  readonly mediaId: string
  readonly name: string
  readonly path: string
  readonly link: string
}

it(
  'adds encrypted, for oneself and for people by card, file and name, and says so',
  { timeout: 120_000 },
  async () => {
    const sandbox = new Sandbox()
    const data = ['--data-dir', sandbox.path('data')]
    const bytes = Buffer.from('CANARY-CONTENT '.repeat(1000))
    await writeFile(sandbox.path('diary.txt'), bytes)
    const [ana, ben] = [testPerson('Ana'), testPerson('Ben')]
    await writeFile(
      sandbox.path('ben.sowercard'),
      Buffer.from(ben.card.replace('sower://card/', ''), 'base64url'),
    )
    await sandbox.serve(sandbox.path('data'))

    const alone = await sandbox.json<AddedItem>('add', sandbox.path('diary.txt'), '--encrypt', ...data)
    expect(alone).toMatchObject({
      name: 'diary.txt',
      mime: 'text/plain',
      access_level: 'private',
      encrypted: true,
      protection: 'readable',
      plainSize: bytes.length,
      size: bytes.length + 16,
      isDuplicate: false,
      isLinked: false,
      state: 'seeding',
    })
    expect(alone.link).toContain('enc=1')
    expect(alone.path).toMatch(/encrypted$/)
    expect((await readFile(alone.path)).includes('CANARY')).toBe(false)

    const to = ['--to', ana.card, '--to', sandbox.path('ben.sowercard')]
    const shared = await sandbox.json<AddedItem>('add', sandbox.path('diary.txt'), ...to, ...data)
    expect(shared).toMatchObject({ access_level: 'shared', encrypted: true, isDuplicate: false })
    expect(shared.mediaId).not.toBe(alone.mediaId)
    // Whose card was given is a contact from then on.
    const again = await sandbox.json<AddedItem>('add', sandbox.path('diary.txt'), '--to', 'ana', ...data)
    expect(again).toMatchObject({ access_level: 'shared' })

    const clear = await sandbox.json<AddedItem>('add', sandbox.path('diary.txt'), ...data)
    expect(clear).toMatchObject({
      encrypted: false,
      protection: 'none',
      access_level: 'private',
      state: 'ready',
    })
    const items = await sandbox.json<{ mediaId: string; encrypted: boolean }[]>('ls', ...data)
    expect(
      items
        .filter(({ encrypted }) => encrypted)
        .map(({ mediaId }) => mediaId)
        .toSorted(),
    ).toEqual([alone, shared, again].map(({ mediaId }) => mediaId).toSorted())
    expect((await sandbox.run('ls', ...data)).stdout).toContain('shared, encrypted')

    for (const [wrong, code] of [
      [['--encrypt', '--access', 'public'], 'BAD_REQUEST'],
      [['--to', 'nobody'], 'BAD_REQUEST'],
      [['--to', 'sower://card/e30'], 'CARD_INVALID'],
    ] as const) {
      const { status, stderr } = await sandbox.run(
        'add',
        sandbox.path('diary.txt'),
        ...wrong,
        ...data,
        '--json',
      )
      expect([status, JSON.parse(stderr)]).toMatchObject([1, { code }])
    }
    expect(await sandbox.json<unknown[]>('ls', ...data)).toHaveLength(4)
  },
)

it('sends what comes on standard input to the upload, instead of looking for a file called “-”', async () => {
  const sandbox = new Sandbox()
  const { status, stderr } = await sandbox.run('add', '-', '--encrypt', '--json', '--data-dir', 'data')
  expect(status).toBe(2)
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining('standard input') as string,
  })
})
