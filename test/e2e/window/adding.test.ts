import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dropFiles, openDesktop, until, type Desktop } from '../../support/desktop.ts'
import { serveNode, sowerJson } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'
import { makeShortVideo, playFrom } from '../../support/video.ts'

const isWindowVisible = ({ app }: Desktop): Promise<boolean> =>
  app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isVisible()))

describe('the window', () => {
  it('takes a dropped video, shows its stages, plays it, keeps seeding from the tray and survives its engine', async () => {
    await using dir = await tempDir()
    const video = dir.file('first steps.webm')
    await makeShortVideo(video, 8)
    await using desktop = await openDesktop({ dataDir: dir.file('first') })
    const { page, app } = desktop
    await page.getByText('Nothing sown yet').waitFor()

    await dropFiles(page, [video], 'public')
    await page.getByText('Added and shared publicly').first().waitFor()
    const row = page.getByRole('row', { name: /first steps\.webm\p{Cf}?, Public/u })
    await row.waitFor()

    await row.click()
    await page.keyboard.press(' ')
    await playFrom(page, 4)

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

  it('encrypts a file dropped on the other half, removes it and brings it back', async () => {
    await using dir = await tempDir()
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

  it('gets a pasted link from another node, verified, and shows it', async () => {
    await using dir = await tempDir()
    const video = dir.file('first steps.webm')
    await makeShortVideo(video, 8)
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
})
