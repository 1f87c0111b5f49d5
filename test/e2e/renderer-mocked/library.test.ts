import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { callsOf, setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()

const row = (page: Page, index: number) => page.locator(`#library-row-${index}`)
const selectedRows = (page: Page) => page.getByRole('row', { selected: true })

describe('the library', () => {
  it('draws only the rows in sight of 10,000, and any of them when scrolled to', async () => {
    const page = await open({ items: 10_000 })
    await row(page, 0).waitFor()
    expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe('10001')
    expect(await page.getByRole('row').count()).toBeLessThan(60)
    await page.getByRole('grid').focus()
    await page.keyboard.press('End')
    await row(page, 9_999).and(page.locator(':not([aria-busy])')).waitFor()
    expect(await page.getByRole('row').count()).toBeLessThan(60)
    expect(await page.getByRole('grid').getAttribute('aria-activedescendant')).toBe('library-row-9999')
  })

  it('moves, extends, selects all, and removes with undo by keyboard alone', async () => {
    const page = await open({ items: 30 })
    await row(page, 0).waitFor()
    await page.getByRole('grid').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Shift+ArrowDown')
    expect(await selectedRows(page).count()).toBe(3)
    await page.keyboard.press('Delete')
    await page.getByText('3 items moved to the trash').waitFor()
    await page.getByText('27 items', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('30 items', { exact: true }).waitFor()
    await page.getByRole('grid').focus()
    await page.keyboard.press('Control+a')
    await page.getByText('30 items selected').first().waitFor()
    await page.keyboard.press('Delete')
    await page.getByRole('dialog', { name: 'Remove 30 items?' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await callsOf(page, 'library.remove')).toHaveLength(1)
  })

  it('selects with the mouse as lists do: click, Ctrl, Shift', async () => {
    const page = await open({ items: 30 })
    await row(page, 2).click()
    await row(page, 5).click({ modifiers: ['Control'] })
    expect(await selectedRows(page).count()).toBe(2)
    await row(page, 8).click({ modifiers: ['Shift'] })
    expect(await selectedRows(page).count()).toBe(4)
    await row(page, 1).click()
    expect(await selectedRows(page).count()).toBe(1)
  })

  it('copies the link of the selection with Ctrl+C', async () => {
    const page = await open({ items: 5 })
    await row(page, 0).click()
    await page.keyboard.press('Control+c')
    await page.getByText('Link copied').waitFor()
    expect(JSON.stringify(await callsOf(page, 'desktop.copyText'))).toMatch(/sower:\/\/media\/[0-9a-f]{64}/)
  })

  it('searches, says when nothing matches, and shows everything again', async () => {
    const page = await open({ items: 60 })
    await row(page, 0).waitFor()
    await page.keyboard.press('Control+f')
    await page.keyboard.type('harbour')
    await page.getByText('3 items', { exact: true }).waitFor()
    await page.getByRole('searchbox').fill('no such thing')
    await page.getByRole('heading', { name: /No match for/ }).waitFor()
    await page.getByRole('button', { name: 'Show everything' }).click()
    await page.getByText('60 items', { exact: true }).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
  })

  it('filters by chips with counts and sorts by columns', async () => {
    const page = await open({ items: 60 })
    await page.getByRole('button', { name: /^Private/ }).click()
    await expect.poll(() => row(page, 0).getAttribute('aria-label')).toContain('Encrypted')
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').click()
    await expect
      .poll(() => page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'))
      .toBe('descending')
    expect((await callsOf(page, 'library.list')).at(-1)).toMatchObject({
      filter: 'private',
      sort: 'size',
      direction: 'desc',
    })
  })

  it('offers the item’s menu with the keyboard and gives the focus back', async () => {
    const page = await open({ items: 5 })
    await row(page, 1).click()
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menu', { name: 'Item' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('grid')
  })

  it('shows a live change in place', async () => {
    const page = await open({ items: 5 })
    await row(page, 0).waitFor()
    await page.evaluate(() =>
      window.fake.changeItems((item) =>
        item === window.fake.items[0] ? { ...item, state: 'missing', peers: 0 } : item,
      ),
    )
    await row(page, 0).getByText('Its file is missing').waitFor()
  })

  it('isolates a right-to-left name and shows its control characters', async () => {
    const page = await open({ items: 3 })
    await row(page, 0).waitFor()
    await page.evaluate(() =>
      window.fake.changeItems((item) =>
        item === window.fake.items[0] ? { ...item, name: 'מסמך\n\u202egpj.exe' } : item,
      ),
    )
    await row(page, 0).getByText('מסמך␊gpj.exe').waitFor()
    expect(await row(page, 0).locator('bdi').count()).toBe(1)
  })

  it('says when its drive is away and that nothing is deleted', async () => {
    const page = await open({ items: 5 })
    await row(page, 0).waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('node.status', {})
      if (reply.ok) {
        window.fake.emit('node.changed', {
          ...reply.value,
          media: { ...reply.value.media, state: 'offline' },
        })
      }
    })
    await page.getByText(/is not connected\. Nothing is deleted/).waitFor()
  })
})

describe('the inspector', () => {
  it('opens with Space, plays a real video, and closes with Escape', async () => {
    const page = await open({ items: 5, firstMime: 'video/webm' })
    await row(page, 0).click()
    await page.keyboard.press('Space')
    const video = page.locator('video')
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBe(960)
    await video.evaluate(async (element: HTMLVideoElement) => {
      element.muted = true
      await element.play()
    })
    await expect
      .poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime))
      .toBeGreaterThan(0.3)
    await page.getByRole('grid').focus()
    await page.keyboard.press('Escape')
    await page.getByRole('complementary', { name: 'Inspector' }).waitFor({ state: 'detached' })
  })

  it('says so when the window cannot play an encoding', async () => {
    const page = await open({ items: 5, firstMime: 'video/mp4' })
    await row(page, 0).dblclick()
    await page.getByText(/can’t play video\/mp4 in this encoding/).waitFor()
  })

  it('changes who may have it, says what that means, and lists live peers', async () => {
    const page = await open({ items: 5, firstMime: 'video/webm' })
    await row(page, 0).click()
    await page.keyboard.press('Space')
    const inspector = page.getByRole('complementary', { name: 'Inspector' })
    await inspector.getByRole('tab', { name: /^Peers/ }).click()
    await inspector.getByText('WebRTC').first().waitFor()
    await inspector.getByRole('tab', { name: 'Overview' }).click()
    await inspector.getByText(/keep a copy you can’t take back/).waitFor()
    await inspector.getByRole('radio', { name: 'Private' }).click()
    await inspector.getByText(/announced nowhere/).waitFor()
    expect(await callsOf(page, 'library.setAccess')).toMatchObject([{ accessLevel: 'private' }])
    await page.getByText(/is private now/).waitFor()
  })
})
