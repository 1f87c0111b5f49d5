import { describe, expect, it } from 'vitest'
import { openDesktop } from '../../support/desktop.ts'
import { tempDir } from '../../support/temp-dir.ts'

describe('the window', () => {
  it('gives its page nothing but the bridge', async () => {
    await using dir = await tempDir()
    await using desktop = await openDesktop({ dataDir: dir.file('locked') })
    const { page, app } = desktop
    await page.getByText('Nothing sown yet').waitFor()
    const seen = await page.evaluate(async () => {
      const tryFetch = (url: string): Promise<string> =>
        fetch(url).then(
          () => 'loaded',
          () => 'refused',
        )
      return {
        node: [typeof Reflect.get(globalThis, 'process'), typeof Reflect.get(globalThis, 'require')],
        bridge: Object.keys(Reflect.get(globalThis, 'sower') as object).toSorted(),
        popup: window.open('https://example.org/') === null,
        web: await tryFetch('http://127.0.0.1:1/'),
        file: await tryFetch('file:///etc/passwd'),
        traversal: await fetch('sower://app/..%2f..%2fpackage.json').then(
          ({ status }) => status,
          () => 'refused',
        ),
        notifications: await Notification.requestPermission(),
        eval: await Promise.resolve()
          .then(() => Reflect.get(globalThis, 'eval')('1') as number)
          .catch(() => 'refused'),
      }
    })
    expect(seen).toEqual({
      node: ['undefined', 'undefined'],
      bridge: ['call', 'mediaUrl', 'on', 'pathForFile', 'platform', 'transferUrl'],
      popup: true,
      web: 'refused',
      file: 'refused',
      traversal: 404,
      notifications: 'denied',
      eval: 'refused',
    })
    // Electron has this function and no longer types it.
    const preferences = await app.evaluate(({ webContents }) =>
      webContents.getAllWebContents().map((contents) => {
        const last = Reflect.get(contents, 'getLastWebPreferences') as () => Record<string, unknown>
        const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } = last.call(contents)
        return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag }
      }),
    )
    expect(preferences).toEqual([
      {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
      },
    ])
    await page.evaluate(() => {
      location.href = 'https://example.org/'
    })
    expect(page.url()).toBe('sower://app/')
  })
})
