import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Sandbox } from './sower-process.ts'
import type { Outcome } from './sower-process.ts'

const ABOUT = `${'abandon '.repeat(11)}about`
const ABOUT_OWNER = '03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e'
const ABOUT_FINGERPRINT = 'MGDC-JDSV-K1ME-R2P4'
const command = fileURLToPath(new URL('../../../app/cli/sower.mjs', import.meta.url))
const PASSWORD = 'correct horse battery staple'

interface WalletResult {
  readonly owner: string
  readonly fingerprint: string
  readonly storage: string
  readonly state: string
  readonly isBackedUp: boolean
}
interface ContactResult {
  readonly owner: string
  readonly name: string
  readonly fingerprint: string
}

const errorOf = ({ stderr }: Outcome): { code: string; message: string } =>
  JSON.parse(stderr) as { code: string; message: string }
const write = (sandbox: Sandbox, name: string, text: string): string => {
  writeFileSync(sandbox.path(name), text, { mode: 0o600 })
  return name
}
/** What every command of a test gets. */
const at = (dataDir: string): string[] => ['--data-dir', dataDir, '--media-dir', `${dataDir}-media`]

// A process for every command, and scrypt in many of them.
describe('sower wallet', { timeout: 120_000 }, () => {
  it('brings a wallet back from its words on a clean machine, and shows them only when told to', async () => {
    const sandbox = new Sandbox()
    const file = write(sandbox, 'words.txt', `  ${ABOUT.toUpperCase().replaceAll(' ', '\n')}\n`)
    const back = await sandbox.json<WalletResult>('wallet', 'restore', '--phrase-file', file, ...at('data'))
    expect(back).toEqual({
      owner: ABOUT_OWNER,
      fingerprint: ABOUT_FINGERPRINT,
      storage: 'keyfile',
      state: 'ready',
      isBackedUp: true,
    })
    const refused = await sandbox.run('wallet', 'words', '--json', ...at('data'))
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(errorOf(refused).code).toBe('BAD_REQUEST')
    const shown = await sandbox.json<{ words: string[] }>('wallet', 'words', '--yes', ...at('data'))
    expect(shown).toEqual({ words: ABOUT.split(' '), hasPassphrase: false })
    const { stdout } = await sandbox.run('wallet', 'words', '--yes', ...at('data'))
    expect(stdout.split('\n').slice(0, 2)).toEqual([' 1. abandon', ' 2. abandon'])
    expect((await sandbox.run('status', ...at('data'))).stdout).toMatch(
      /wallet +ready \(keyfile\), backed up/,
    )
    expect(await sandbox.json<WalletResult>('wallet', 'show', ...at('data'))).toEqual(back)
    const { stdout: told } = await sandbox.run('wallet', 'show', ...at('data'))
    expect(told).toMatch(new RegExp(`fingerprint +${ABOUT_FINGERPRINT}\\n.*${ABOUT_OWNER}`))
    expect(told).toMatch(/kept in +a file, protected by its permissions only\nbackup +backed up/)
  })

  it('reads the words from standard input, and says what is wrong with them', async () => {
    const sandbox = new Sandbox()
    const restore = (words: string): Promise<Outcome> =>
      sandbox.runWith(words, 'wallet', 'restore', '--json', ...at('data'))
    const typo = await restore(ABOUT.replace('about', 'abuot'))
    expect(typo).toMatchObject({ status: 1, stdout: '' })
    expect(errorOf(typo)).toMatchObject({
      code: 'PHRASE_INVALID',
      message: expect.stringMatching(/^Word 12 /) as string,
    })
    expect(typo.stderr).not.toContain('abuot')
    expect(errorOf(await restore('zoo zoo')).message).toMatch(/12 or 24 words; these are 2/)
    expect(errorOf(await restore('zoo '.repeat(12))).message).toMatch(/do not belong together/)
    expect(errorOf(await restore('')).code).toBe('BAD_REQUEST')
    expect(JSON.parse((await restore(ABOUT)).stdout)).toMatchObject({ owner: ABOUT_OWNER })
  })

  it('makes one of 24 words and a passphrase, which comes back with both', async () => {
    const sandbox = new Sandbox()
    const secret = write(sandbox, 'passphrase', 'TREZOR\n')
    const made = await sandbox.json<WalletResult>(
      'wallet',
      'create',
      '--words',
      '24',
      '--passphrase-file',
      secret,
      ...at('data'),
    )
    expect(made).toMatchObject({ state: 'ready', isBackedUp: false })
    const { words, hasPassphrase } = await sandbox.json<{ words: string[]; hasPassphrase: boolean }>(
      'wallet',
      'words',
      '--yes',
      ...at('data'),
    )
    expect(words).toHaveLength(24)
    expect(hasPassphrase).toBe(true)
    const file = write(sandbox, 'words.txt', words.join(' '))
    const restore = ['wallet', 'restore', '--phrase-file', file]
    const back = await sandbox.json<WalletResult>(...restore, '--passphrase-file', secret, ...at('other'))
    expect(back.owner).toBe(made.owner)
    const without = await sandbox.json<WalletResult>(...restore, ...at('third'))
    expect(without.owner).not.toBe(made.owner)
  })

  it('is backed up to a file that opens with its password only, while a node runs', async () => {
    const sandbox = new Sandbox()
    sandbox.env['SOWER_PASSPHRASE_FILE'] = sandbox.path(write(sandbox, 'node-passphrase', 'open sesame\n'))
    const node = await sandbox.serve('data', '--media-dir', 'data-media')
    const password = write(sandbox, 'password', `${PASSWORD}\n`)
    const backup = ['wallet', 'backup', '--out', 'wallet.sowerbackup', '--password-file', password]
    expect(await sandbox.json(...backup, ...at('data'))).toEqual({ path: sandbox.path('wallet.sowerbackup') })
    expect(statSync(sandbox.path('wallet.sowerbackup')).mode & 0o777).toBe(0o600)
    const status = await sandbox.json<{ wallet: WalletResult }>('status', '--data-dir', 'data')
    expect(status.wallet).toMatchObject({ storage: 'passphrase', isBackedUp: true })
    const again = await sandbox.run(...backup, '--json', ...at('data'))
    expect(errorOf(again).code).toBe('CONFLICT')
    expect((await sandbox.run(...backup, '--force', ...at('data'))).status).toBe(0)

    const restore = ['wallet', 'restore', '--backup-file', 'wallet.sowerbackup', '--password-file']
    const wrong = await sandbox.run(
      ...restore,
      write(sandbox, 'wrong', 'not the password'),
      '--json',
      ...at('b'),
    )
    expect(errorOf(wrong).code).toBe('WALLET_WRONG_PASSPHRASE')
    const text = readFileSync(sandbox.path('wallet.sowerbackup'), 'utf8')
    write(sandbox, 'damaged', text.replace('"data": "', '"data": "A'))
    const damaged = await sandbox.run(
      'wallet',
      'restore',
      '--backup-file',
      'damaged',
      '--password-file',
      password,
      '--json',
      ...at('b'),
    )
    expect(errorOf(damaged).code).toBe('BACKUP_INVALID')
    const back = await sandbox.json<WalletResult>(...restore, password, ...at('b'))
    expect(back).toMatchObject({ owner: node.owner, isBackedUp: true })
    const short = await sandbox.run(
      'wallet',
      'backup',
      '--out',
      'c',
      '--password-file',
      write(sandbox, 'short', '1234567'),
      '--json',
      ...at('data'),
    )
    expect(errorOf(short).message).toMatch(/8 characters or more/)
    expect(existsSync(sandbox.path('c'))).toBe(false)
    expect(await node.stop()).toBe(0)
  })

  it('is not replaced while items depend on it, unless it is backed up and one says so', async () => {
    const sandbox = new Sandbox()
    write(sandbox, 'film.mp4', 'the only copy')
    const password = write(sandbox, 'password', PASSWORD)
    await sandbox.json('add', 'film.mp4', ...at('data'))
    const restore = [
      'wallet',
      'restore',
      '--phrase-file',
      write(sandbox, 'words', ABOUT),
      '--json',
      ...at('data'),
    ]
    expect(errorOf(await sandbox.run(...restore)).code).toBe('BACKUP_NEEDED')
    expect(errorOf(await sandbox.run(...restore, '--replace')).code).toBe('BACKUP_NEEDED')
    expect(errorOf(await sandbox.run('wallet', 'create', '--json', ...at('data'))).code).toBe('CONFLICT')
    await sandbox.json('wallet', 'backup', '--out', 'old', '--password-file', password, ...at('data'))
    expect(errorOf(await sandbox.run(...restore)).code).toBe('CONFLICT')
    expect(await sandbox.json('ls', ...at('data'))).toMatchObject([{ name: 'film.mp4', own: true }])
    const replaced = await sandbox.run(...restore, '--replace')
    expect(JSON.parse(replaced.stdout)).toMatchObject({ owner: ABOUT_OWNER })
    expect(await sandbox.json('ls', ...at('data'))).toMatchObject([{ name: 'film.mp4', own: false }])
    await sandbox.json(
      'wallet',
      'restore',
      '--backup-file',
      'old',
      '--password-file',
      password,
      '--replace',
      ...at('data'),
    )
    expect(await sandbox.json('ls', ...at('data'))).toMatchObject([{ name: 'film.mp4', own: true }])
  })

  it('is unlocked in a running node with its passphrase', async () => {
    const sandbox = new Sandbox()
    const secret = write(sandbox, 'passphrase', 'open sesame\n')
    sandbox.env['SOWER_PASSPHRASE_FILE'] = sandbox.path(secret)
    await sandbox.json('status', ...at('data'))
    delete sandbox.env['SOWER_PASSPHRASE_FILE']
    const node = await sandbox.serve('data', '--media-dir', 'data-media')
    const locked = await sandbox.run('wallet', 'card', '--json', ...at('data'))
    expect(errorOf(locked).code).toBe('WALLET_WRONG_PASSPHRASE')
    // What can’t be done before it is open is not advised.
    const { stdout: told } = await sandbox.run('wallet', 'show', ...at('data'))
    expect(told).toMatch(/^backup +none yet$/m)
    const unlock = ['wallet', 'unlock', '--passphrase-file']
    const wrong = await sandbox.run(
      ...unlock,
      write(sandbox, 'wrong', 'open barley'),
      '--json',
      ...at('data'),
    )
    expect(errorOf(wrong).code).toBe('WALLET_WRONG_PASSPHRASE')
    expect(await sandbox.json(...unlock, secret, ...at('data'))).toMatchObject({
      state: 'ready',
      storage: 'passphrase',
      owner: node.owner,
    })
    expect((await sandbox.run('wallet', 'card', ...at('data'))).stdout).toMatch(/^sower:\/\/card\//)
    expect(await node.stop()).toBe(0)
  })

  it('never takes a secret on the command line', async () => {
    const sandbox = new Sandbox()
    const { status, stderr } = await sandbox.run(
      'wallet',
      'restore',
      ...ABOUT.split(' '),
      '--json',
      ...at('data'),
    )
    expect(status).toBe(2)
    expect(stderr).not.toContain('abandon')
    expect(existsSync(sandbox.path('data'))).toBe(false)
  })
})

interface Shown {
  readonly status: number
  readonly shown: string
}

/** Runs the command on a terminal, where `answers` are typed at the prompts that match. */
function onTerminal(
  sandbox: Sandbox,
  args: readonly string[],
  answers: readonly (readonly [string, string])[],
  words: readonly string[] = [],
): Shown {
  const job = JSON.stringify({ args: [process.execPath, command, ...args], answers, words })
  const { stdout } = spawnSync('python3', [fileURLToPath(new URL('terminal.py', import.meta.url)), job], {
    env: sandbox.env,
    cwd: sandbox.home,
    encoding: 'utf8',
    timeout: 90_000,
  })
  return JSON.parse(stdout) as Shown
}

describe.skipIf(process.platform === 'win32')('sower wallet on a terminal', { timeout: 120_000 }, () => {
  it('asks for the words without showing them, shows them when asked to, and asks three of them back', () => {
    const sandbox = new Sandbox()
    const noPassphrase = ['New passphrase: ', ''] as const
    const restore = ['wallet', 'restore', '--passphrase', ...at('data')]
    const restored = onTerminal(sandbox, restore, [
      ['The words, with spaces between them: ', ABOUT],
      ['Passphrase of the wallet: ', 'TREZOR'],
      noPassphrase,
    ])
    expect(restored).toMatchObject({ status: 0 })
    expect(restored.shown).toMatch(/The wallet is back: /)
    for (const secret of ['abandon', 'TREZOR']) expect(restored.shown).not.toContain(secret)

    const shown = onTerminal(sandbox, ['wallet', 'words', ...at('data')], [])
    expect(shown).toMatchObject({ status: 0 })
    expect(shown.shown).toContain('12. about')
    expect(shown.shown).toMatch(/of no use without the passphrase/)

    const asked = [1, 2, 3].map(() => ['Word (\\d+): ', ''] as const)
    const right = onTerminal(sandbox, ['wallet', 'check', ...at('data')], asked, ABOUT.split(' '))
    expect(right).toMatchObject({ status: 0 })
    expect(right.shown).toMatch(/counts as backed up/)
    const wrong = onTerminal(sandbox, ['wallet', 'check', ...at('data')], asked, Array(12).fill('zebra'))
    expect(wrong).toMatchObject({ status: 1 })
    expect(wrong.shown).toMatch(/Not as it was shown: word \d+, word \d+, word \d+\./)
    for (const { shown: text } of [right, wrong]) expect(text).not.toMatch(/abandon|zebra/)
  })
})

describe('sower contacts', { timeout: 120_000 }, () => {
  it('are made from each other’s cards: link, file or standard input', async () => {
    const sandbox = new Sandbox()
    const words = write(sandbox, 'words', ABOUT)
    await sandbox.json('wallet', 'restore', '--phrase-file', words, ...at('ana'))
    const card = await sandbox.json<{ link: string; path: string; fingerprint: string }>(
      'wallet',
      'card',
      '--name',
      'Ana',
      '--out',
      'ana.sowercard',
      ...at('ana'),
    )
    expect(card).toMatchObject({ fingerprint: ABOUT_FINGERPRINT, path: sandbox.path('ana.sowercard') })
    const node = await sandbox.serve('ben', '--media-dir', 'ben-media')
    const added = await sandbox.json<ContactResult>('contacts', 'add', 'ana.sowercard', ...at('ben'))
    expect(added).toMatchObject({ owner: ABOUT_OWNER, name: 'Ana', fingerprint: ABOUT_FINGERPRINT })
    // The same person, whichever way.
    const piped = await sandbox.runWith(card.link, 'contacts', 'add', '-', ...at('ben'))
    expect(piped.stdout).toBe(`Ana: ${ABOUT_FINGERPRINT}\n`)
    expect(await sandbox.json('contacts', 'add', card.link, ...at('ben'))).toEqual(added)
    expect(await sandbox.json('contacts', 'rename', 'ana', 'Sister', ...at('ben'))).toMatchObject({
      name: 'Sister',
    })
    const { stdout } = await sandbox.run('contacts', 'ls', ...at('ben'))
    expect(stdout.trim().split('\n')).toHaveLength(2)
    expect(stdout).toContain(`${ABOUT_FINGERPRINT}  ${ABOUT_OWNER}  Sister`)
    expect(errorOf(await sandbox.run('contacts', 'add', card.link, '--json', ...at('ana'))).code).toBe(
      'CARD_INVALID',
    )
    expect(await sandbox.json('contacts', 'rm', ABOUT_FINGERPRINT, ...at('ben'))).toEqual({
      removed: ABOUT_OWNER,
    })
    expect(await sandbox.json('contacts', 'ls', ...at('ben'))).toEqual([])
    expect(await node.stop()).toBe(0)
  })

  it('are refused with a sentence when the card is changed, not one, or not there', async () => {
    const sandbox = new Sandbox()
    await sandbox.json('wallet', 'card', '--out', 'card', ...at('ana'))
    const json = JSON.parse(readFileSync(sandbox.path('card'), 'utf8')) as object
    write(sandbox, 'changed', JSON.stringify({ ...json, name: 'Somebody else' }))
    write(sandbox, 'note', 'call me')
    const add = async (given: string): Promise<{ code: string; message: string }> =>
      errorOf(await sandbox.run('contacts', 'add', given, '--json', ...at('ben')))
    expect(await add('changed')).toMatchObject({
      code: 'CARD_INVALID',
      message: expect.stringMatching(/changed/) as string,
    })
    expect(await add('note')).toMatchObject({ code: 'CARD_INVALID' })
    expect(await add(`sower://media/${'0'.repeat(64)}`)).toMatchObject({ code: 'CARD_INVALID' })
    expect(await add('nobody')).toMatchObject({ code: 'BAD_REQUEST' })
    expect(await sandbox.json('contacts', 'ls', ...at('ben'))).toEqual([])
  })
})
