import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ethereumAddress } from '../../../app/vault/envelope/lit-sdk.ts'
import { installLitStandIn, setLitStandIn } from '../../support/lit-stand-in.ts'
import { Sandbox } from './sower-process.ts'

interface Printed {
  readonly mediaId: string
  readonly link: string
  readonly protection: string
  readonly hasConditions?: boolean
}

const text = 'for the keepers of the harbour\n'.repeat(5000)

describe('sower get and save of an item shared under conditions, with a local stand-in for Lit', () => {
  it('ask the network, and write the file or say why there is none', { timeout: 90_000 }, async () => {
    const sandbox = new Sandbox()
    for (const data of ['owner', 'reader', 'stranger']) await installLitStandIn(sandbox.path(data, 'lit'))
    const owner = await sandbox.serve('owner')
    const reader = await sandbox.serve('reader')
    await sandbox.serve('stranger')
    writeFileSync(sandbox.path('letter.txt'), text)
    const rule = { kind: 'wallet', chain: 'ethereum', address: ethereumAddress(reader.owner) }
    writeFileSync(sandbox.path('rule.json'), JSON.stringify(rule))
    const { mediaId } = await sandbox.json<Printed>('add', 'letter.txt', '--encrypt', '--data-dir', 'owner')
    const shared = ['share', mediaId, '--conditions', 'rule.json', '--data-dir', 'owner']
    const { link } = await sandbox.json<Printed>(...shared)
    const get = (data: string, out: string): string[] => {
      const from = ['--from', `127.0.0.1:${owner.peerPort}`]
      return ['get', link, ...from, '--out', out, '--data-dir', data]
    }

    await setLitStandIn(sandbox.path('reader', 'lit'), { failure: 'no route to the network' })
    const offline = await sandbox.run(...get('reader', 'letter-1.txt'))
    expect(offline).toMatchObject({ status: 1, stderr: expect.stringContaining('Lit network') as unknown })
    expect(existsSync(sandbox.path('letter-1.txt'))).toBe(false)
    expect(await sandbox.json('ls', '--data-dir', 'reader')).toMatchObject([
      { mediaId, protection: 'needs-key', hasConditions: true },
    ])

    await setLitStandIn(sandbox.path('reader', 'lit'), {})
    await sandbox.json<Printed>('save', mediaId, '--out', 'letter-2.txt', '--data-dir', 'reader')
    expect(readFileSync(sandbox.path('letter-2.txt'), 'utf8')).toBe(text)
    await sandbox.json<Printed>(...get('reader', 'letter-3.txt'))
    expect(readFileSync(sandbox.path('letter-3.txt'), 'utf8')).toBe(text)
    expect(await sandbox.json('ls', '--data-dir', 'reader')).toMatchObject([
      { protection: 'readable', name: 'letter.txt' },
    ])

    const refused = await sandbox.run(...get('stranger', 'letter-4.txt'))
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('conditions') as unknown })
    expect(existsSync(sandbox.path('letter-4.txt'))).toBe(false)
  })
})
