import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultSettings, SETTING_NAMES, SETTING_SOURCES } from '../../../app/config-sources.ts'
import { defaultDataDir, loadSettings } from '../../../app/config.ts'
import type { SettingsOptions, SettingsStore } from '../../../app/config.ts'
import { Settings } from '../../../app/contract/index.ts'

interface SetUp {
  readonly dataDir: string
  readonly file: string
  readonly load: (options?: Omit<SettingsOptions, 'dataDir'>) => SettingsStore
}

function setUp(saved?: unknown): SetUp {
  const dataDir = mkdtempSync(join(tmpdir(), 'sower-config-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const file = join(dataDir, 'settings.json')
  if (saved !== undefined) writeFileSync(file, typeof saved === 'string' ? saved : JSON.stringify(saved))
  return { dataDir, file, load: (options) => loadSettings({ dataDir, ...options }) }
}

describe('settings', () => {
  it('have defaults that the contract accepts', () => {
    const { load, dataDir } = setUp()
    expect(load().get()).toEqual(defaultSettings(dataDir))
    expect(Settings.parse(load().get())).toEqual(load().get())
    expect(load().get().mediaDir).toBe(join(dataDir, 'media'))
  })

  it('come from flag, environment, file, default, in this order', () => {
    const { load } = setUp({ port: 1, controlPort: 1, peerPort: 1, host: '0.0.0.0' })
    const view = load({ env: { SOWER_PORT: '2', SOWER_CONTROL_PORT: '2' }, flags: { port: '3' } }).view()
    expect(view.values).toMatchObject({
      port: 3,
      controlPort: 2,
      peerPort: 1,
      host: '0.0.0.0',
      isSeedingAfterGet: true,
    })
    expect(view.fixedBy).toEqual({ port: 'flag', controlPort: 'environment' })
    expect(view.needsRestart).toEqual([])
  })

  it('reads every variable', () => {
    const env = {
      MEDIA_DIR: '/srv/media',
      WEBTORRENT_TRACKERS: 'wss://a.example, udp://b.example:6969/announce',
      SOWER_DHT: 'off',
      SOWER_LSD: 'ON',
      SOWER_PEX: '0',
      SOWER_UPNP: 'yes',
      SOWER_UPLOAD_LIMIT: '2M',
      SOWER_DOWNLOAD_LIMIT: 'none',
      SOWER_PEER_PORT: '6881',
      SOWER_HOST: '0.0.0.0',
      SOWER_PORT: '80',
      SOWER_CONTROL_PORT: '0',
      SOWER_PUBLIC_URL: 'https://media.example.org',
      SOWER_MAX_UPLOAD_BYTES: '10GiB',
      SOWER_RESERVE_BYTES: '0',
      SOWER_SEED_AFTER_GET: 'false',
      SOWER_PAUSED: 'true',
      GUN_PEERS: 'https://a.example/gun, ws://127.0.0.1:8765',
      SOWER_FEED: 'off',
      SOWER_SHARE_ADDRESS: 'on',
      SOWER_REGION: 'north',
      SOWER_BOOTSTRAP_BYTES: '1M',
      SOWER_IPFS_GATEWAYS: 'http://127.0.0.1:8080, https://ipfs.example',
      SOWER_ARWEAVE_GATEWAYS: 'https://ar.example',
    }
    const { values, fixedBy } = setUp().load({ env }).view()
    expect(values).toMatchObject({
      mediaDir: '/srv/media',
      trackers: ['wss://a.example', 'udp://b.example:6969/announce'],
      isDhtEnabled: false,
      isLsdEnabled: true,
      isPexEnabled: false,
      isUpnpEnabled: true,
      uploadLimitBytesPerSec: 2 * 1024 * 1024,
      downloadLimitBytesPerSec: null,
      peerPort: 6881,
      host: '0.0.0.0',
      port: 80,
      controlPort: 0,
      publicUrl: 'https://media.example.org',
      maxUploadBytes: 10 * 1024 ** 3,
      reserveBytes: 0,
      isSeedingAfterGet: false,
      isSeedingPaused: true,
      gunPeers: ['https://a.example/gun', 'ws://127.0.0.1:8765'],
      isFeedWanted: false,
      isAddressShared: true,
      region: 'north',
      bootstrapBytes: 1024 * 1024,
      ipfsGateways: ['http://127.0.0.1:8080', 'https://ipfs.example'],
      arweaveGateways: ['https://ar.example'],
    })
    expect(Object.keys(fixedBy).toSorted()).toEqual(SETTING_NAMES.toSorted())
  })

  it('takes an empty variable as not set, and “none” as no trackers', () => {
    expect(
      setUp()
        .load({ env: { SOWER_PORT: '', WEBTORRENT_TRACKERS: ' ' } })
        .view().fixedBy,
    ).toEqual({})
    expect(
      setUp()
        .load({ env: { WEBTORRENT_TRACKERS: 'none' } })
        .get().trackers,
    ).toEqual([])
  })

  it.each([
    [
      { SOWER_PORT: 'http' },
      'SOWER_PORT cannot be “http”: it must be a whole number from 0 to 65535 (0 = any free port).',
    ],
    [{ SOWER_PORT: '65536' }, 'SOWER_PORT cannot be “65536”'],
    [{ SOWER_PORT: '-1' }, 'SOWER_PORT'],
    [{ SOWER_PORT: '1e3' }, 'SOWER_PORT'],
    [{ SOWER_DHT: 'maybe' }, 'it must be on or off.'],
    [{ WEBTORRENT_TRACKERS: 'file:///etc/passwd' }, 'WEBTORRENT_TRACKERS'],
    [{ SOWER_PUBLIC_URL: 'media.example.org' }, 'SOWER_PUBLIC_URL'],
    [{ SOWER_MAX_UPLOAD_BYTES: 'lots' }, 'a number of bytes such as 500000, 64M or 2G'],
    [{ SOWER_UPLOAD_LIMIT: '-5' }, 'SOWER_UPLOAD_LIMIT'],
  ])('refuses %j and says what is allowed', (env, words) => {
    const { load } = setUp()
    const message = expect.stringContaining(words) as string
    expect(() => load({ env })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST', message }))
  })

  it('names the flag that is wrong', () => {
    expect(() => setUp().load({ flags: { port: 'x' } })).toThrow(/--port cannot be “x”/)
    expect(() => setUp().load({ flags: { port: 70_000 } })).toThrow(/--port must be/)
  })
})

describe('changing settings', () => {
  it('saves, tells listeners, and says what needs a restart', () => {
    const { load, file } = setUp()
    const store = load()
    const heard = vi.fn()
    const stop = store.onChange(heard)
    const view = store.set({ port: 0, uploadLimitBytesPerSec: 1000 })
    expect(view.values).toMatchObject({ port: 0, uploadLimitBytesPerSec: 1000 })
    expect(view.needsRestart).toEqual(['port'])
    expect(heard).toHaveBeenCalledExactlyOnceWith(view)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ port: 0, uploadLimitBytesPerSec: 1000 })
    expect(load().get()).toEqual(view.values)
    stop()
    expect(store.set({ port: 8765 }).needsRestart).toEqual([])
    expect(heard).toHaveBeenCalledTimes(1)
  })

  it('keeps what a newer version saved', () => {
    const { load, file } = setUp({ newThing: { a: 1 } })
    load().set({ isDhtEnabled: false })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ newThing: { a: 1 }, isDhtEnabled: false })
  })

  it('refuses what a flag or the environment fixes, but not the same value', () => {
    const { load, file } = setUp()
    const store = load({ env: { SOWER_PORT: '9000' }, flags: { host: '::1' } })
    expect(() => store.set({ port: 1 })).toThrow(
      expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('SOWER_PORT') as string }),
    )
    expect(() => store.set({ host: 'x', isDhtEnabled: false })).toThrow(/--host/)
    expect(store.get().isDhtEnabled).toBe(true)
    expect(existsSync(file)).toBe(false)
    expect(store.set({ port: 9000 }).values.port).toBe(9000)
  })

  it('refuses a media folder without an absolute path', () => {
    const store = setUp().load()
    for (const mediaDir of ['media', '', './media']) {
      expect(() => store.set({ mediaDir })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    }
    expect(loadSettings({ dataDir: '/nowhere', flags: { mediaDir: 'media' } }).get().mediaDir).toBe(
      resolve('media'),
    )
  })

  it('changes nothing when it can’t be saved', () => {
    const { load, file } = setUp()
    const store = load()
    mkdirSync(file)
    expect(() => store.set({ port: 1 })).toThrow(
      'The settings file can’t be written, so nothing was changed.',
    )
    expect(store.get().port).toBe(8765)
  })
})

describe('a settings file', () => {
  it.each([
    ['not JSON', '{"port":'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
  ])('that is %s is moved aside, and said', (_name, text) => {
    const { load, dataDir } = setUp(text)
    const store = load()
    expect(store.get().port).toBe(8765)
    expect(store.notices).toMatchObject([{ level: 'warning', code: 'SETTINGS_DAMAGED' }])
    const [aside = ''] = readdirSync(dataDir)
    expect(aside).toMatch(/^settings\.json\.damaged-/)
    expect(readFileSync(join(dataDir, aside), 'utf8')).toBe(text)
    expect(load().notices).toEqual([])
  })

  it('with one bad value loses only that', () => {
    const store = setUp({ port: 'soon', host: '0.0.0.0' }).load()
    expect(store.get()).toMatchObject({ port: 8765, host: '0.0.0.0' })
    expect(store.notices).toMatchObject([
      { code: 'SETTING_IGNORED', message: expect.stringContaining('“port”') as string },
    ])
  })
})

describe('defaultDataDir', () => {
  it.each<[NodeJS.Platform, Record<string, string>, string]>([
    ['linux', { HOME: '/home/ada' }, '/home/ada/.local/share/sower'],
    ['linux', { HOME: '/home/ada', XDG_DATA_HOME: '/data' }, '/data/sower'],
    ['linux', { HOME: '/home/ada', XDG_DATA_HOME: 'relative' }, '/home/ada/.local/share/sower'],
    ['linux', { HOME: '/home/ada', SOWER_DATA_DIR: '/srv/sower' }, '/srv/sower'],
    ['darwin', { HOME: '/Users/ada' }, '/Users/ada/Library/Application Support/Sower'],
    ['win32', { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' }, 'C:\\Users\\ada\\AppData\\Local\\Sower'],
  ])('on %s with %j is %s', (platform, env, expected) => {
    expect(defaultDataDir(env, platform)).toBe(expected)
  })
})

describe('docs/settings.md', () => {
  it('lists every setting by all its names', () => {
    const text = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8')
    for (const name of SETTING_NAMES) {
      expect(text).toContain(`\`${name}\``)
      expect(text).toContain(`\`${SETTING_SOURCES[name].env}\``)
      expect(text).toContain(`\`${SETTING_SOURCES[name].flag}\``)
    }
  })
})
