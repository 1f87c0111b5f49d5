import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const script = fileURLToPath(new URL('open-vault.ts', import.meta.url))
const hasKeyring = existsSync('/usr/bin/gnome-keyring-daemon') && existsSync('/usr/bin/dbus-run-session')

if (!hasKeyring && process.env['CI'] !== undefined) {
  throw new Error('gnome-keyring and dbus-run-session are needed for these tests')
}

/** “abandon … about”, as OIP derives it. */
const ABOUT_OWNER = '03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e'

interface Answer {
  readonly storage: string
  readonly state: string
  readonly owner?: string
  readonly message?: string
  readonly knownOwner: string | null
  /** How the action ended: `done`, or the code of its error. */
  readonly outcome: string
  /** Entries of Sower in the keyring. */
  readonly entries: number
}

interface Machine {
  readonly dataDir: string
  /** Runs the script, with the keyring as the shell line `prepare` leaves it; without one there is no D-Bus at all. */
  readonly open: (
    prepare: string | undefined,
    mode?: 'desktop' | 'headless',
    action?: 'open' | 'forget' | 'restore' | 'restorePassphrase' | 'reveal',
  ) => Promise<Answer>
}

const UNLOCKED = 'printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1'
const LOCKED = 'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1'
/** A session bus on which nothing offers the Secret Service. */
const NO_KEYRING = 'true'

/** A home folder of its own, so that no real keyring is touched. */
function setUp(): Machine {
  const home = mkdtempSync(join(tmpdir(), 'sower-keyring-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const dataDir = join(home, 'data')
  const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', XDG_RUNTIME_DIR: home }
  return {
    dataDir,
    async open(prepare, mode = 'desktop', action = 'open') {
      const command = [process.execPath, script, dataDir, mode, action]
      const quoted = command.map((word) => `'${word}'`).join(' ')
      const { stdout } =
        prepare === undefined
          ? await run(command[0] ?? '', command.slice(1), { env })
          : await run('dbus-run-session', ['--', 'bash', '-c', `${prepare}; ${quoted}`], {
              env: prepare === NO_KEYRING ? { ...env, XDG_DATA_DIRS: home } : env,
            })
      return JSON.parse(stdout) as Answer
    },
  }
}

describe.skipIf(!hasKeyring)('a real gnome-keyring', () => {
  it('keeps the wallet and gives it back', async () => {
    const { open, dataDir } = setUp()
    const first = await open(UNLOCKED)
    expect(first).toMatchObject({ storage: 'keychain', state: 'ready' })
    expect(readdirSync(dataDir).toSorted()).toEqual(['node.key', 'wallet.json'])
    expect(await open(UNLOCKED)).toEqual(first)
    expect(await open(UNLOCKED, 'headless')).toEqual(first)
  })

  it('is told from an empty one while it is locked', async () => {
    const { open, dataDir } = setUp()
    const first = await open(UNLOCKED)
    const record = readFileSync(join(dataDir, 'wallet.json'))
    expect(await open(LOCKED)).toMatchObject({
      storage: 'keychain',
      state: 'locked',
      knownOwner: first.owner,
    })
    expect(readFileSync(join(dataDir, 'wallet.json'))).toEqual(record)
    expect(await open(UNLOCKED)).toEqual(first)
  })

  it('that lost the entry is reported, and no new wallet is made', async () => {
    const { open } = setUp()
    const first = await open(UNLOCKED, 'desktop', 'forget')
    for (const mode of ['desktop', 'headless'] as const) {
      expect(await open(UNLOCKED, mode)).toMatchObject({ state: 'absent', knownOwner: first.owner })
    }
  })

  it('takes a restored wallet in the place of the one of the first start, and keeps only that', async () => {
    const { open } = setUp()
    const first = await open(UNLOCKED)
    const restored = await open(UNLOCKED, 'desktop', 'restore')
    expect(restored).toMatchObject({ outcome: 'done', state: 'ready', owner: ABOUT_OWNER, entries: 1 })
    expect(restored.owner).not.toBe(first.owner)
    expect(await open(UNLOCKED, 'headless', 'reveal')).toMatchObject({ outcome: 'done', owner: ABOUT_OWNER })
    // The longer form that a wallet with a passphrase is kept in.
    const second = await open(UNLOCKED, 'desktop', 'restorePassphrase')
    expect(second).toMatchObject({ outcome: 'done', state: 'ready', entries: 1 })
    expect(await open(UNLOCKED)).toMatchObject({ state: 'ready', owner: second.owner })
  })

  it('gives a lost wallet its place back', async () => {
    const { open } = setUp()
    await open(UNLOCKED, 'desktop', 'restore')
    await open(UNLOCKED, 'desktop', 'forget')
    expect(await open(UNLOCKED)).toMatchObject({ state: 'absent', knownOwner: ABOUT_OWNER, entries: 0 })
    expect(await open(UNLOCKED, 'desktop', 'restore')).toMatchObject({
      outcome: 'done',
      state: 'ready',
      entries: 1,
    })
    expect(await open(UNLOCKED)).toMatchObject({ state: 'ready', owner: ABOUT_OWNER })
  })

  it('changes nothing while it is locked, and says so', async () => {
    const { open, dataDir } = setUp()
    const first = await open(UNLOCKED)
    const record = readFileSync(join(dataDir, 'wallet.json'))
    for (const action of ['restore', 'reveal'] as const)
      expect(await open(LOCKED, 'desktop', action)).toMatchObject({
        outcome: action === 'restore' ? 'CONFLICT' : 'KEYCHAIN_LOCKED',
        state: 'locked',
      })
    expect(await open(LOCKED, 'desktop', 'restorePassphrase')).toMatchObject({ outcome: 'KEYCHAIN_LOCKED' })
    expect(readFileSync(join(dataDir, 'wallet.json'))).toEqual(record)
    expect(await open(UNLOCKED)).toMatchObject({ state: 'ready', owner: first.owner, entries: 1 })
  })
})

describe('without a keychain', () => {
  it.each(['desktop', 'headless'] as const)('a %s node uses a key file, and finds it again', async (mode) => {
    const { open } = setUp()
    const first = await open(undefined, mode)
    expect(first).toMatchObject({ storage: 'keyfile', state: 'ready' })
    expect(await open(undefined, mode)).toEqual(first)
  })

  it('a wallet that comes back is under a key file', async () => {
    const { open } = setUp()
    await open(undefined, 'headless')
    expect(await open(undefined, 'headless', 'restore')).toMatchObject({
      outcome: 'done',
      storage: 'keyfile',
      owner: ABOUT_OWNER,
    })
    expect(await open(undefined, 'headless', 'reveal')).toMatchObject({ outcome: 'done', owner: ABOUT_OWNER })
  })

  it.skipIf(!hasKeyring)('a session bus without a Secret Service is the same as none', async () => {
    const { open } = setUp()
    expect(await open(NO_KEYRING)).toMatchObject({ storage: 'keyfile', state: 'ready' })
  })

  it('a wallet that was made in a keychain is absent, not replaced', async () => {
    const { open, dataDir } = setUp()
    if (!hasKeyring) return
    const first = await open(UNLOCKED)
    expect(await open(undefined, 'headless')).toMatchObject({
      storage: 'keychain',
      state: 'absent',
      knownOwner: first.owner,
    })
    expect(readdirSync(dataDir).toSorted()).toEqual(['node.key', 'wallet.json'])
  })
})
