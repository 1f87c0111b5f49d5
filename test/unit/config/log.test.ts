import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../app/contract/index.ts'
import { openLog, parseLogLevel } from '../../../app/log.ts'
import { redact } from '../../../app/redact.ts'

function setUp(): { dataDir: string; lines: (file?: string) => Record<string, unknown>[] } {
  const dataDir = mkdtempSync(join(tmpdir(), 'sower-log-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const lines = (file = 'sower.log'): Record<string, unknown>[] =>
    readFileSync(join(dataDir, 'logs', file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { dataDir, lines }
}

describe('openLog', () => {
  it('writes one JSON object per line, at once', () => {
    const { dataDir, lines } = setUp()
    const { log, close } = openLog({ dataDir })
    log.child('library').info('item.added', { mediaId: 'ab', sizeBytes: 3 })
    log.debug('not.shown')
    log.error('went.wrong', { error: new AppError('DISK_FULL', 'No room.') })
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.any(String) as string,
        area: 'library',
        event: 'item.added',
        mediaId: 'ab',
        sizeBytes: 3,
      },
      {
        level: 'error',
        time: expect.any(String) as string,
        event: 'went.wrong',
        error: { name: 'AppError', code: 'DISK_FULL', message: 'No room.' },
      },
    ])
    expect(statSync(join(dataDir, 'logs', 'sower.log')).mode & 0o777).toBe(0o600)
    close()
    log.info('after.the.end')
    expect(lines()).toHaveLength(2)
  })

  it('starts a new file when one is full, and keeps three older ones', () => {
    const { dataDir, lines } = setUp()
    const { log, close } = openLog({ dataDir, maxFileBytes: 1000 })
    for (let i = 0; i < 100; i += 1) log.info('tick', { i, filler: 'x'.repeat(100) })
    close()
    expect(readdirSync(join(dataDir, 'logs')).toSorted()).toEqual([
      'sower.log',
      'sower.log.1',
      'sower.log.2',
      'sower.log.3',
    ])
    expect(lines().at(-1)).toMatchObject({ i: 99 })
    for (const file of readdirSync(join(dataDir, 'logs'))) {
      expect(statSync(join(dataDir, 'logs', file)).size).toBeLessThanOrEqual(1000)
    }
  })

  it('starts a new file at start when the last one is full', () => {
    const { dataDir, lines } = setUp()
    const first = openLog({ dataDir, maxFileBytes: 100 })
    first.log.info('long', { filler: 'x'.repeat(200) })
    first.close()
    openLog({ dataDir, maxFileBytes: 100 }).close()
    expect(lines('sower.log.1')).toMatchObject([{ event: 'long' }])
  })

  it('does not stop a node whose log can’t be written', () => {
    const { dataDir } = setUp()
    writeFileSync(join(dataDir, 'logs'), 'a file where the folder should be')
    const { log, close } = openLog({ dataDir })
    log.info('into.the.void')
    close()
  })
})

describe('parseLogLevel', () => {
  it('takes the four levels and refuses others by name', () => {
    expect(parseLogLevel(' Debug ', 'SOWER_LOG_LEVEL')).toBe('debug')
    expect(() => parseLogLevel('loud', 'SOWER_LOG_LEVEL')).toThrow(/SOWER_LOG_LEVEL cannot be “loud”/)
  })
})

describe('redact', () => {
  const home = '/home/ada'
  const jwt = `eyJhbGciOiJFZERTQSJ9.${'a'.repeat(30)}.${'b'.repeat(30)}`

  it('hides secrets by their names', () => {
    const secrets = {
      token: 'x',
      controlToken: 'x',
      passphrase: 'x',
      mnemonic: 'x',
      entropy: 'x',
      seed: 'x',
      privateKey: Buffer.from('x'),
      fileKey: 'x',
      authorization: 'x',
      cookie: 'x',
    }
    for (const [name, value] of Object.entries(redact({ deep: [secrets] }, home) as object)) {
      expect(name).toBe('deep')
      expect(new Set(Object.values((value as object[])[0] ?? {}))).toEqual(new Set(['[hidden]']))
    }
  })

  it('leaves counts, switches and public names alone', () => {
    const harmless = {
      seeds: 5,
      isSeedingWanted: true,
      tokens: 3,
      publicKey: '02ab',
      keys: ['a'],
      mediaId: 'f'.repeat(64),
    }
    expect(redact(harmless, home)).toEqual(harmless)
  })

  it.each([
    ['a token', `got ${jwt} from a client`, 'got [hidden] from a client'],
    ['a bearer', 'Authorization: Bearer abcdefghijklmnop', 'Authorization: Bearer [hidden]'],
    ['a file key in a link', 'sower://media/ab?v=1#k=c2VjcmV0', 'sower://media/ab?v=1#k=[hidden]'],
    ['a token in an address', 'http://127.0.0.1/?token=abc&x=1', 'http://127.0.0.1/?token=[hidden]&x=1'],
    [
      'a player’s address',
      'http://127.0.0.1/media/x?expires=1&signature=abc',
      'http://127.0.0.1/media/x?expires=1&signature=[hidden]',
    ],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----', '[hidden]'],
    [
      'a recovery phrase',
      'words: legal winner thank year wave sausage worth useful legal winner thank yellow',
      'words: [hidden]',
    ],
    ['the home folder', 'ENOENT: /home/ada/Videos/a.mp4', 'ENOENT: ~/Videos/a.mp4'],
  ])('hides %s in text', (_name, text, expected) => {
    expect(redact(text, home)).toBe(expected)
    expect(redact(new Error(text), home)).toMatchObject({ message: expected })
  })

  it('survives whatever it is given', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(JSON.stringify(redact(loop, home))).toContain('[…]')
    expect(redact([1n, undefined, null, Symbol('x'), new Date(0), Buffer.alloc(9)], home)).toEqual([
      '1',
      undefined,
      null,
      undefined,
      '1970-01-01T00:00:00.000Z',
      '[9 bytes]',
    ])
    expect(JSON.stringify(redact('x'.repeat(100_000), home)).length).toBeLessThan(10_000)
  })
})
