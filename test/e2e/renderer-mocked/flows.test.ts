import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { callsOf, setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()

/** Drags a file over the window and drops it on the zone for `audience`. */
async function dropFile(page: Page, audience: 'public' | 'private'): Promise<void> {
  await page.evaluate(() => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['x'], 'film.mp4'))
    window.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transfer, bubbles: true }))
  })
  await page.locator(`[data-audience="${audience}"]`).waitFor()
  await page.evaluate((zone) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['x'], 'film.mp4'))
    const target = document.querySelector(`[data-audience="${zone}"]`)
    target?.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
  }, audience)
}

describe('adding', () => {
  it('asks public or private by where a file is dropped, and can be undone', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('grid').waitFor()
    await dropFile(page, 'public')
    expect(await callsOf(page, 'library.add')).toEqual([
      { paths: ['/home/ana/film.mp4'], accessLevel: 'public' },
    ])
    const drawer = page.getByRole('region', { name: 'Adding and fetching' })
    await drawer.getByText('Reading and hashing').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => callsOf(page, 'transfers.cancel')).toEqual([{ id: 'add-1' }])
    await drawer.getByText('Cancelled, nothing kept').waitFor()
  })

  it('asks in a sheet when files come from the picker or were opened with the app', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('dialog', { name: 'Who may have these 2 files?' }).waitFor()
    await page.keyboard.press('Enter')
    await expect
      .poll(() => callsOf(page, 'library.add'))
      .toEqual([
        {
          paths: ['/home/ana/film.mp4', '/home/ana/notes.md'],
          accessLevel: 'private',
          isEncrypted: true,
          people: [],
        },
      ])
    await page.evaluate(() => window.fake.emit('desktop.filesOpened', { paths: ['/tmp/one.png'] }))
    await page.getByRole('dialog', { name: 'Who may have this file?' }).waitFor()
  })

  it('pauses, resumes, retries and cancels transfers, and keeps a failure with cause and button', async () => {
    const page = await open({ items: 3, hasTransfers: true })
    await page.getByRole('button', { name: /^Transfers/ }).click()
    const failed = page.getByRole('group', { name: /archive-2019\.zip/ })
    await failed.getByText('The disk is full').waitFor()
    await failed.getByText(/Nothing half-written was kept.*Free some space/).waitFor()
    await failed.getByRole('button', { name: 'Try again' }).click()
    await failed.getByText('Waiting for its turn').waitFor()
    await page.getByRole('button', { name: /^Pause .*festival/ }).click()
    await page.getByRole('button', { name: /^Resume .*festival/ }).click()
    await page.getByRole('button', { name: /^Cancel .*choir/ }).click()
    expect(await callsOf(page, 'transfers.cancel')).toEqual([{ id: 't5' }])
    await page.getByText('Already in your library (same bytes)').waitFor()
    // By its id: other items may have the same name.
    await page.getByRole('button', { name: 'Show', exact: true }).first().click()
    const [{ mediaId }] = (await callsOf(page, 'library.position')) as [{ mediaId: string }]
    await expect.poll(() => callsOf(page, 'library.get')).toContainEqual({ mediaId })
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
    await page
      .getByRole('button', { name: /^Transfers/ })
      .first()
      .click()
    await page.getByText('mirror.example.net · dropped').waitFor()
  })
})

describe('getting from a link', () => {
  it('opens filled in for a link given to the app, says what it is, and starts', async () => {
    const page = await open({ items: 3 })
    const link = `sower://media/${'c4'.repeat(32)}?v=1`
    await page.getByRole('grid').waitFor()
    await page.evaluate((given) => window.fake.emit('desktop.linkOpened', { link: given }), link)
    const sheet = page.getByRole('dialog', { name: 'Get from a link' })
    await sheet.getByText('Lecture 08 – Estuaries.webm').waitFor()
    await sheet.getByLabel('More sources (optional)').fill('https://a.example 203.0.113.7:6881')
    await sheet.getByRole('switch').click()
    await sheet.getByRole('button', { name: 'Get it' }).click()
    await expect
      .poll(() => callsOf(page, 'fetching.start'))
      .toEqual([{ link, from: ['https://a.example', '203.0.113.7:6881'], isSeedingWanted: false }])
    await page.getByText('Looking for who has it').waitFor()
  })

  it('takes a pasted link anywhere in the window and says what is wrong with a bad one', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('grid').focus()
    await page.evaluate(() => {
      const data = new DataTransfer()
      data.setData('text/plain', 'hello')
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))
    })
    const sheet = page.getByRole('dialog', { name: 'Get from a link' })
    await sheet.getByText('This is not a link Sower knows').waitFor()
    expect(await sheet.getByRole('button', { name: 'Get it' }).isDisabled()).toBe(true)
  })
})

describe('the engine', () => {
  it('says in plain words why it cannot start, with one button that helps', async () => {
    const page = await open({
      engine: {
        state: 'failed',
        restarts: 0,
        fix: 'free-port',
        error: { code: 'PORT_IN_USE', message: 'Port 8765 is taken by another program.' },
      },
    })
    await page.getByRole('heading', { name: 'Another program uses Sower’s port' }).waitFor()
    await page.getByRole('button', { name: 'Copy details' }).click()
    expect(JSON.stringify(await callsOf(page, 'desktop.copyText'))).toContain('PORT_IN_USE')
    await page.getByRole('button', { name: 'Use a free port' }).click()
    expect(await callsOf(page, 'desktop.restartEngine')).toEqual([{ fix: 'free-port' }])
    await page.getByRole('heading', { name: 'Nothing sown yet' }).waitFor()
  })

  it('leaves the settings of the window reachable while it is down', async () => {
    const page = await open({ engine: { state: 'failed', restarts: 0 } })
    await page.getByRole('heading', { name: 'The engine is not running' }).waitFor()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('radio', { name: 'Dark' }).click()
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('dark')
  })

  it('keeps the library in sight while it restarts, and lists again afterwards', async () => {
    const page = await open({ items: 3 })
    await page.locator('#library-row-0').waitFor()
    const before = (await callsOf(page, 'library.list')).length
    await page.evaluate(() => window.fake.emit('desktop.engineChanged', { state: 'restarting', restarts: 0 }))
    await page.getByText(/engine stopped and is coming back/).waitFor()
    expect(await page.locator('#library-row-0').isVisible()).toBe(true)
    await page.evaluate(() => window.fake.emit('desktop.engineChanged', { state: 'running', restarts: 1 }))
    await expect.poll(async () => (await callsOf(page, 'library.list')).length).toBeGreaterThan(before)
    expect(await page.getByText(/engine stopped/).count()).toBe(0)
  })

  it('shows a wallet that needs something, tries again, and dismisses notices', async () => {
    const page = await open({ items: 3 })
    await page.locator('#library-row-0').waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('node.status', {})
      if (!reply.ok) return
      const notice = { level: 'warning', code: 'X', message: 'A manifest was moved aside.', atMs: 1 } as const
      window.fake.emit('node.changed', {
        ...reply.value,
        wallet: { ...reply.value.wallet, state: 'locked' },
        notices: [{ ...notice, id: 'n1' }],
      })
    })
    await page.getByText('The keychain is locked.').waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('The keychain is locked.').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await page.getByText('A manifest was moved aside.').waitFor({ state: 'detached' })
    expect(await callsOf(page, 'node.dismissNotice')).toEqual([{ id: 'n1' }])
  })

  it('leaves the rest of the window usable when one view has a fault', async () => {
    const page = await open({ items: 3 }, { isFaultExpected: true })
    await page.locator('#library-row-0').waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('node.status', {})
      // A tracker list that is none: what the contract rules out, a fault would do.
      if (reply.ok) window.fake.emit('node.changed', { ...reply.value, trackers: null })
    })
    await page.getByRole('button', { name: 'Network' }).click()
    await page.getByRole('heading', { name: 'This view ran into a fault' }).waitFor()
    await page.getByRole('button', { name: 'Library' }).click()
    await page.locator('#library-row-0').waitFor()
  })

  it('pauses all traffic and says so', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('button', { name: 'Pause all traffic' }).click()
    await page.getByRole('button', { name: 'Resume all traffic' }).waitFor()
    await page.locator('#library-row-0').getByText('Paused by you').waitFor()
  })

  it('asks once what closing means', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('grid').waitFor()
    await page.evaluate(() => window.fake.emit('desktop.closeAsked', { uploadingTo: 2 }))
    await page.getByText(/2 people are downloading from you/).waitFor()
    await page.keyboard.press('Enter')
    await expect
      .poll(() => callsOf(page, 'desktop.closeWindow'))
      .toEqual([{ action: 'tray', isRemembered: true }])
  })
})

describe('settings', () => {
  it('saves a value, refuses one that makes no sense, and leaves fixed ones alone', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('grid').focus()
    await page.keyboard.press('Control+,')
    const limit = page.getByRole('textbox', { name: 'Upload limit' })
    await limit.fill('fast')
    await limit.press('Enter')
    await page.getByText(/Give a rate in megabytes per second/).waitFor()
    expect(await callsOf(page, 'settings.set')).toEqual([])
    await limit.fill('4')
    await limit.press('Enter')
    await page.getByText('Saved').waitFor()
    expect(await callsOf(page, 'settings.set')).toEqual([{ uploadLimitBytesPerSec: 4_000_000 }])
    expect(await page.getByRole('textbox', { name: 'Port for web sources' }).isDisabled()).toBe(true)
    await page.getByText('Set by the environment').waitFor()
  })

  it('says that a new media folder needs a restart, and offers it', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Choose…' }).click()
    await page.getByText(/take effect when the engine starts again/).waitFor()
    expect(await callsOf(page, 'settings.set')).toEqual([{ mediaDir: '/mnt/films/Sower' }])
    await page.getByRole('button', { name: 'Restart engine' }).click()
    expect(await callsOf(page, 'desktop.restartEngine')).toHaveLength(1)
  })

  it('validates trackers', async () => {
    const page = await open({ items: 3 })
    await page.getByRole('button', { name: 'Settings' }).click()
    const field = page.getByRole('textbox', { name: 'Address of a new tracker' })
    // Several lists of addresses have such a button: the one beside the field.
    const add = field.locator('xpath=following::button[1]')
    await field.fill('tracker.example')
    await add.click()
    await page.getByText(/A tracker starts with/).waitFor()
    await field.fill('wss://new.example')
    await add.click()
    await expect
      .poll(() => callsOf(page, 'settings.set'))
      .toMatchObject([{ trackers: { 3: 'wss://new.example' } }])
  })

  it('follows the system until a theme is chosen', async () => {
    const page = await open({ items: 0 }, { colorScheme: 'dark' })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await background()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('radio', { name: 'Light' }).click()
    await expect.poll(background).not.toBe(dark)
    expect(await page.locator('html').getAttribute('data-theme')).toBe('light')
  })
})
