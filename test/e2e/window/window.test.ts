import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropFiles, openDesktop, within } from '../../support/desktop.ts'
import type { Desktop } from '../../support/desktop.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { TempDir } from '../../support/temp-dir.ts'
import { serveNode, sowerJson } from '../../support/sower.ts'
import { startTracker } from '../../support/tracker.ts'
import { seekTo } from '../../support/video.ts'

let dir: TempDir
let video: string

beforeAll(async () => {
  dir = await tempDir()
  video = dir.file('first steps.webm')
  const made = [
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=320x180:rate=25:duration=8',
    '-c:v',
    'libvpx',
    '-b:v',
    '400k',
  ]
  execFileSync('ffmpeg', ['-loglevel', 'error', ...made, video])
})

afterAll(async () => {
  await dir[Symbol.asyncDispose]()
})

/** Eventually true; the window and the engine are other processes. */
async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await within(what, isSo(), timeoutMs).catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`it never came true that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const isWindowVisible = ({ app }: Desktop): Promise<boolean> =>
  app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isVisible()))

describe('the window', () => {
  it('takes a dropped video, shows its stages, plays it, keeps seeding from the tray and survives its engine', async () => {
    await using desktop = await openDesktop({ dataDir: dir.file('first') })
    const { page, app } = desktop
    await page.getByText('Nothing sown yet').waitFor()

    await dropFiles(page, [video], 'public')
    await page.getByText('Added and shared publicly').first().waitFor()
    const row = page.getByRole('row', { name: /first steps\.webm\p{Cf}?, Public/u })
    await row.waitFor()

    await row.click()
    await page.keyboard.press(' ')
    const player = page.locator('video')
    await player.waitFor()
    await within(
      'the video plays',
      player.evaluate(async (element: HTMLVideoElement) => {
        element.muted = true
        element.currentTime = 4
        await element.play()
      }),
    )
    await until('the video plays on from where it was put', () =>
      player.evaluate((element: HTMLVideoElement) => element.currentTime > 4.2 && element.videoWidth === 320),
    )

    await row.click()
    await page.keyboard.press('Control+C')
    const mediaId = createHash('sha256').update(readFileSync(video)).digest('hex')
    await until('the link is on the clipboard', async () =>
      (await app.evaluate(({ clipboard }) => clipboard.readText())).startsWith(`sower://media/${mediaId}?`),
    )

    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
    await page.getByRole('button', { name: 'Keep seeding' }).click()
    await until('the window is hidden', async () => !(await isWindowVisible(desktop)))
    const engine = await desktop.enginePid()
    expect(process.kill(engine, 0)).toBe(true)

    await desktop.startAgain([])
    await until('a second start shows the window of the first', () => isWindowVisible(desktop))

    process.kill(engine, 'SIGKILL')
    await page.getByText('The engine stopped and is coming back').waitFor()
    await until('another engine runs', async () => (await desktop.enginePid()) !== engine)
    await page.getByText('The engine stopped and is coming back').waitFor({ state: 'detached' })
    await row.waitFor()
  })

  it.runIf(process.env['SOWER_TEST_KEYCHAIN'] === '1')(
    'keeps its wallet in the real keychain, and nothing of it in the data folder or the log',
    async () => {
      const dataDir = dir.file('keychain')
      const readWallet = (): unknown => JSON.parse(readFileSync(join(dataDir, 'wallet.json'), 'utf8'))
      {
        await using desktop = await openDesktop({ dataDir })
        await desktop.page.getByText('Nothing sown yet').waitFor()
      }
      const first = readWallet()
      expect(first).toMatchObject({ storage: 'keychain' })
      expect(existsSync(join(dataDir, 'wallet.enc'))).toBe(false)
      {
        await using desktop = await openDesktop({ dataDir })
        await desktop.page.getByText('Nothing sown yet').waitFor()
      }
      expect(readWallet()).toEqual(first)
      const account = (first as { account: string }).account
      const secret = execFileSync('secret-tool', ['lookup', 'service', 'Sower', 'account', account], {
        encoding: 'utf8',
      }).trim()
      expect(secret).not.toBe('')
      expect(readFileSync(join(dataDir, 'logs', 'sower.log'), 'utf8')).not.toContain(secret)
    },
  )

  it('encrypts a file dropped on the other half, removes it and brings it back', async () => {
    await using desktop = await openDesktop({ dataDir: dir.file('private') })
    const { page } = desktop
    const file = dir.file('letter.txt')
    writeFileSync(file, 'for nobody else')
    await page.getByText('Nothing sown yet').waitFor()
    await dropFiles(page, [file], 'private')
    const row = page.getByRole('row', { name: /letter\.txt\p{Cf}?, Encrypted, only for you/u })
    await row.waitFor()
    // The undo of adding goes by itself; the next one is the removal's.
    const undo = page.getByRole('button', { name: 'Undo' })
    await undo.waitFor()
    await undo.waitFor({ state: 'detached' })
    await row.click()
    await page.keyboard.press('Delete')
    await row.waitFor({ state: 'detached' })
    await undo.click()
    await row.waitFor()
  })

  it('plays what it encrypted, and brings wallet and items back from the words on an empty profile', async () => {
    const before = dir.file('secret')
    const sealed = /first steps\.webm\p{Cf}?, Encrypted, only for you/u
    const plays = async (page: Page): Promise<void> => {
      await page.getByRole('row', { name: sealed }).click()
      await page.keyboard.press(' ')
      const player = page.locator('video')
      await player.waitFor()
      await within(
        'the video plays',
        player.evaluate(async (element: HTMLVideoElement) => {
          element.muted = true
          element.currentTime = 5
          await element.play()
        }),
      )
      await until('the video plays on from where it was put', () =>
        player.evaluate(
          (element: HTMLVideoElement) => element.currentTime > 5.2 && element.videoWidth === 320,
        ),
      )
      // To places whose segments were not read before, and back.
      await player.evaluate((element: HTMLVideoElement) => element.pause())
      expect(await seekTo(page, [0.9, 0.1, 0.6, 0.02])).toHaveLength(4)
      expect(await player.evaluate((element: HTMLVideoElement) => element.currentTime)).toBeCloseTo(0.16, 1)
    }
    const fingerprintIn = async (page: Page): Promise<string> => {
      await page.getByRole('navigation').getByRole('button', { name: 'Wallet' }).click()
      return page
        .getByText(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/)
        .first()
        .innerText()
    }
    let words: string[] = []
    let fingerprint = ''
    {
      await using desktop = await openDesktop({ dataDir: before })
      const { page } = desktop
      await page.getByText('Your identity was made').waitFor()
      await page.getByRole('button', { name: 'Back it up now' }).click()
      await page.getByRole('button', { name: 'I have pen and paper' }).click()
      await page.getByRole('button', { name: 'Show the words' }).click()
      const list = page.getByRole('list', { name: 'Your words, in order' })
      await list.waitFor()
      words = await list.locator('bdi').allInnerTexts()
      expect(words).toHaveLength(12)
      await page.getByRole('button', { name: 'I have written them down' }).click()
      const asked = page.getByRole('textbox', { name: /^Word \d+$/ })
      await asked.first().waitFor()
      for (const field of await asked.all()) {
        const position = Number(
          await field.evaluate((input: HTMLInputElement) => input.labels?.[0]?.innerText.slice(5)),
        )
        await field.fill(words[position - 1] ?? '')
      }
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Done' }).click()
      await page.getByText('Your identity was made').waitFor({ state: 'detached' })

      await dropFiles(page, [video], 'private')
      await page.getByText('Added and encrypted, only for you').first().waitFor()
      await plays(page)
      fingerprint = await fingerprintIn(page)
    }
    const stored = readdirSync(join(before, 'media'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    const original = readFileSync(video)
    const canaries = [original.subarray(0, 64), original.subarray(-64), Buffer.from('first steps')]
    expect(stored.some((bytes) => bytes.length > original.length)).toBe(true)
    expect(stored.filter((bytes) => canaries.some((canary) => bytes.includes(canary)))).toEqual([])

    const media = dir.file('brought media')
    cpSync(join(before, 'media'), media, { recursive: true })
    await using desktop = await openDesktop({
      dataDir: dir.file('restored'),
      env: { MEDIA_DIR: media },
    })
    const { page } = desktop
    await page.getByRole('row', { name: /Encrypted item\p{Cf}?, Encrypted, needs a key/u }).waitFor()
    await page.getByRole('navigation').getByRole('button', { name: 'Wallet' }).click()
    await page.getByRole('button', { name: 'Restore…' }).click()
    await page.getByRole('textbox', { name: 'Word 1', exact: true }).fill(words.join(' '))
    await page.getByRole('button', { name: 'Restore', exact: true }).click()
    await page.getByText('Your wallet is back').waitFor()
    await until(
      'the fingerprint is the one of before',
      async () => (await fingerprintIn(page)) === fingerprint,
    )
    await page.getByRole('navigation').getByRole('button', { name: 'Library' }).click()
    await plays(page)
  })

  it('gets a pasted link from another node, verified, and shows it', async () => {
    await using tracker = await startTracker()
    await using other = await serveNode(dir.file('other'), [tracker.ws])
    const added = await sowerJson<{ link: string }>(other.dataDir, ['add', video, '--access', 'public'])
    await using desktop = await openDesktop({ dataDir: dir.file('getting') })
    const { page, app } = desktop
    await page.getByText('Nothing sown yet').waitFor()
    await app.evaluate(({ clipboard }, link) => clipboard.writeText(link), added.link)
    await page.keyboard.press('Control+V')
    await page.getByText('Sower link').waitFor()
    await page.getByRole('button', { name: 'Get it' }).click()
    await page.getByText('Here and verified').first().waitFor()
    await page.getByRole('row', { name: /first steps\.webm\p{Cf}?, Public/u }).waitFor()
  })

  it('opens a magnet given to a second start in the first one’s paste sheet', async () => {
    await using desktop = await openDesktop({ dataDir: dir.file('links') })
    await desktop.page.getByText('Nothing sown yet').waitFor()
    const magnet = `magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=something`
    await desktop.startAgain([magnet])
    await desktop.page.getByText('Get from a link').waitFor()
    expect(await desktop.page.getByRole('textbox', { name: 'Link', exact: true }).inputValue()).toBe(magnet)
  })

  it('comes back with what it was given when it is started again while it is still stopping', async () => {
    const dataDir = dir.file('again')
    const desktop = await openDesktop({ dataDir })
    await desktop.page.getByText('Nothing sown yet').waitFor()
    const before = await desktop.enginePid()
    // Whatever keeps an engine from ending: it is waited for, and ended by force.
    process.kill(before, 'SIGSTOP')
    const ended = once(desktop.app.process(), 'exit')
    await desktop.app.evaluate(({ app }) => app.quit()).catch(() => undefined)
    await desktop.startAgain([])
    await ended
    await until('another engine runs', async () => (await desktop.enginePid()) !== before)
    const status = readFileSync(`/proc/${await desktop.enginePid()}/status`, 'utf8')
    const main = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1])
    process.kill(main, 'SIGTERM')
    await until('it has ended', () => Promise.resolve(!existsSync(`/proc/${main}`)))
    expect(existsSync(join(dataDir, 'node.json'))).toBe(false)
  })

  it('opens with the cause when a port is taken, and goes on with a free one', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    // A listening TCP server has an address of this form.
    const { port } = squatter.address() as AddressInfo
    try {
      await using desktop = await openDesktop({
        dataDir: dir.file('taken'),
        env: { SOWER_PORT: String(port) },
      })
      await desktop.page
        .getByText(new RegExp(`port ${port}`, 'i'))
        .first()
        .waitFor()
      await desktop.page.getByRole('button', { name: 'Use a free port' }).click()
      await desktop.page.getByText('Nothing sown yet').waitFor()
    } finally {
      squatter.close()
    }
  })

  it('opens although it can’t see to being started at login, and says so when that is asked for', async () => {
    const config = dir.file('config')
    mkdirSync(config)
    // Where the entry's folder would be.
    writeFileSync(join(config, 'autostart'), 'no folder')
    const dataDir = dir.file('login')
    mkdirSync(join(dataDir, 'desktop'), { recursive: true })
    writeFileSync(join(dataDir, 'desktop', 'window.json'), '{"isStartAtLogin":true}')
    await using desktop = await openDesktop({ dataDir, env: { XDG_CONFIG_HOME: config } })
    await desktop.page.getByText('Nothing sown yet').waitFor()
    const reply = await desktop.page.evaluate(async () => {
      // The bridge, as the page has it.
      const { sower } = globalThis as unknown as {
        sower: { call(name: string, args: unknown): Promise<unknown> }
      }
      return sower.call('desktop.setPrefs', { theme: 'dark', isStartAtLogin: true })
    })
    expect(reply).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } })
  })

  it('shows its page again when that has died before the user’s eyes', async () => {
    await using desktop = await openDesktop({ dataDir: dir.file('died') })
    await desktop.page.getByText('Nothing sown yet').waitFor()
    const text = (): Promise<string> =>
      desktop.app.evaluate(async ({ BrowserWindow }) => {
        const [window] = BrowserWindow.getAllWindows()
        // A page that is dead answers nothing, not even that.
        const isDead = window?.webContents.isCrashed() ?? true
        return isDead ? '' : String(await window?.webContents.executeJavaScript('document.body.innerText'))
      })
    await desktop.app.evaluate(({ BrowserWindow }) => {
      const dead = BrowserWindow.getAllWindows().map(
        ({ webContents }) =>
          new Promise((resolve) => {
            webContents.once('render-process-gone', resolve)
            webContents.forcefullyCrashRenderer()
          }),
      )
      return Promise.all(dead).then(() => undefined)
    })
    // What was asked of the page as it died is never answered.
    const isThere = async (): Promise<boolean> =>
      (await within('the page answers', text(), 2000)).includes('Nothing sown yet')
    await until('the page is there again', isThere)
  })

  it('gives its page nothing but the bridge', async () => {
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
