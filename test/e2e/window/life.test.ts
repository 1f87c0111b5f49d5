import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDesktop, until, within } from '../../support/desktop.ts'
import { tempDir } from '../../support/temp-dir.ts'

describe('the window', () => {
  it('opens a magnet given to a second start in the first one’s paste sheet', async () => {
    await using dir = await tempDir()
    await using desktop = await openDesktop({ dataDir: dir.file('links') })
    await desktop.page.getByText('Nothing sown yet').waitFor()
    const magnet = `magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=something`
    await desktop.startAgain([magnet])
    await desktop.page.getByText('Get from a link').waitFor()
    expect(await desktop.page.getByRole('textbox', { name: 'Link', exact: true }).inputValue()).toBe(magnet)
  })

  it('comes back with what it was given when it is started again while it is still stopping', async () => {
    await using dir = await tempDir()
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
    await using dir = await tempDir()
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
    await using dir = await tempDir()
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
    await using dir = await tempDir()
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
})
