import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { quoteExecArgument, setLinuxAutostart } from '../../../main/autostart.ts'
import { chooseHostKind } from '../../../main/host-kind.ts'
import { isOpenableLink, readOpenRequests } from '../../../main/links.ts'
import { PrefsStore } from '../../../main/prefs.ts'
import {
  CONTENT_SECURITY_POLICY,
  isAllowedRequest,
  isSafeExternalUrl,
  isTrustedSender,
} from '../../../main/security-rules.ts'
import { summarise } from '../../../main/tray-summary.ts'

describe('what the page may load', () => {
  it.each(['sower://app/', 'sower://app/assets/a.js', 'sower-media://item/ab', 'devtools://devtools/x'])(
    'allows %s',
    (url) => {
      expect(isAllowedRequest(url)).toBe(true)
    },
  )
  it.each([
    'https://example.org/',
    'http://127.0.0.1:8766/',
    'ws://127.0.0.1/',
    'file:///etc/passwd',
    'sower://other/',
    'data:text/html,x',
    'not a url',
  ])('refuses %s', (url) => {
    expect(isAllowedRequest(url)).toBe(false)
  })
  it('keeps scripts and styles to the app’s own files', () => {
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|\*|https?:/)
  })
})

describe('who may call the main process', () => {
  it('trusts the top frame of the app’s own origin only', () => {
    const top = (url: string) => isTrustedSender({ url, parent: null })
    expect(top('sower://app/')).toBe(true)
    expect(top('sower://app/index.html#x')).toBe(true)
    expect(top('sower://application/')).toBe(false)
    expect(top('sower://app.evil/')).toBe(false)
    expect(top('https://app/')).toBe(false)
    expect(isTrustedSender({ url: 'sower://app/', parent: {} })).toBe(false)
    expect(isTrustedSender(null)).toBe(false)
  })
})

describe('what is handed to the system’s browser', () => {
  it.each([
    ['https://example.org/a?b=c', true],
    ['http://example.org/', false],
    ['file:///etc/passwd', false],
    ['smb://host/share', false],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['ms-settings:privacy', false],
    ['https://user@example.org/', false],
    ['https://exa\nmple.org/', false],
    ['', false],
  ])('%j → %s', (url, isSafe) => {
    expect(isSafeExternalUrl(url)).toBe(isSafe)
  })
})

describe('what the command line may hand over', () => {
  it('tells links, files and switches apart', () => {
    const files = new Set(['/home/me/a.mp4'])
    const found = readOpenRequests(
      ['--no-sandbox', 'sower://media/ab', 'a.mp4', 'missing.mp4', 'magnet:?xt=urn:btih:00', 'http://x'],
      (path) => `/home/me/${path}`,
      (path) => files.has(path),
    )
    expect(found).toEqual({
      links: ['sower://media/ab', 'magnet:?xt=urn:btih:00'],
      paths: ['/home/me/a.mp4'],
    })
  })
  it('refuses links with control characters or of absurd length', () => {
    expect(isOpenableLink('sower://a\u0000b')).toBe(false)
    expect(isOpenableLink(`magnet:${'x'.repeat(20_000)}`)).toBe(false)
  })
})

describe('where the engine runs', () => {
  it('stays inside Electron unless its Node is too old and another one is named', () => {
    expect(chooseHostKind('24.1.0', '/usr/bin/node')).toBe('utility')
    expect(chooseHostKind('22.0.0', '/usr/bin/node')).toBe('utility')
    expect(chooseHostKind('20.18.1', '/usr/bin/node')).toBe('child')
    expect(chooseHostKind('20.18.1', undefined)).toBe('utility')
    expect(chooseHostKind('20.18.1', '')).toBe('utility')
  })
})

describe('the window’s own choices', () => {
  it('survive a restart, and a damaged file means the defaults', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sower-prefs-')), 'deep', 'window.json')
    const store = new PrefsStore(file)
    expect(store.get()).toEqual({ theme: 'auto', closeAction: 'ask', isStartAtLogin: false })
    store.set({ theme: 'dark' })
    store.set({ closeAction: 'tray' })
    expect(new PrefsStore(file).get()).toEqual({ theme: 'dark', closeAction: 'tray', isStartAtLogin: false })
    writeFileSync(file, '{"theme":')
    expect(new PrefsStore(file).get().theme).toBe('auto')
  })
  it('write a start-at-login entry that survives spaces and quotes, and take it away again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'sower-autostart-'))
    const file = join(dir, 'autostart', 'sower.desktop')
    setLinuxAutostart(true, dir, ['/opt/My Apps/sower'])
    expect(readFileSync(file, 'utf8')).toContain('Exec="/opt/My Apps/sower" "--hidden"\n')
    setLinuxAutostart(false, dir, [])
    expect(() => readFileSync(file)).toThrow(/ENOENT/)
    expect(quoteExecArgument('100% "a" $b')).toBe('"100%% \\\\"a\\\\" \\\\$b"')
  })
})

describe('the tray’s one line', () => {
  it('asks for attention when the engine can’t run', () => {
    expect(summarise({ state: 'failed', restarts: 0 }, undefined).icon).toBe('attention')
    expect(summarise({ state: 'restarting', restarts: 1 }, undefined).icon).toBe('idle')
  })
})
