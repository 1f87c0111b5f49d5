import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import type { Item } from '../../../app/contract/index.ts'
import { fakeCardLink, fakePersonKey } from '../../support/fake-people.ts'
import { callsOf, setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()

const ANA = fakePersonKey(0)
const BEN = fakePersonKey(1)
const row = (page: Page) => page.locator('#library-row-0')
const inspector = (page: Page) => page.getByRole('complementary', { name: 'Inspector' })

/** Makes the first item of the list what the test needs, and opens it in the inspector. */
async function inspect(page: Page, patch: Partial<Item>): Promise<void> {
  await row(page).waitFor()
  await page.evaluate(
    (wanted) =>
      window.fake.changeItems((item) => (item === window.fake.items[0] ? { ...item, ...wanted } : item)),
    patch,
  )
  await row(page).click()
  await page.keyboard.press('Space')
  await inspector(page).waitFor()
}
const ENCRYPTED = {
  protection: 'readable',
  accessLevel: 'private',
  isOwn: true,
  sharedWith: 0,
  hasConditions: false,
  name: 'letters.webm',
  mime: 'video/webm',
} as const

describe('adding for people', () => {
  it('encrypts for whoever was picked in the sheet', async () => {
    const page = await open({ items: 3, contacts: 3 })
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const sheet = page.getByRole('dialog', { name: 'Who may have these 2 files?' })
    await sheet.getByText('Anyone with the link can fetch and read it, and keep a copy.').waitFor()
    await sheet.getByText(/^Encrypted before it is stored/).waitFor()
    const onlyMe = sheet.getByRole('button', { name: 'Only me' })
    expect(await onlyMe.getAttribute('aria-pressed')).toBe('true')
    await sheet.getByRole('button', { name: 'Ana Lindqvist' }).click()
    await sheet.getByRole('button', { name: 'Ben' }).click()
    expect(await onlyMe.getAttribute('aria-pressed')).toBe('false')
    await sheet.getByRole('button', { name: /^Encrypt for 2 people/ }).click()
    await expect
      .poll(() => callsOf(page, 'library.add'))
      .toMatchObject([{ accessLevel: 'private', isEncrypted: true, people: [ANA, BEN] }])
    await page.getByText('Encrypting 2 files for you and those you picked').waitFor()
    await page.getByText('Reading and encrypting').first().waitFor()
  })
})

describe('an encrypted item', () => {
  it('is shared by conditions that are put together in a small form', async () => {
    const page = await open({ items: 3, contacts: 2 })
    await inspect(page, ENCRYPTED)
    await inspector(page).getByRole('tab', { name: 'People' }).click()
    await inspector(page).getByRole('button', { name: 'Add people…' }).click()
    await page.getByRole('button', { name: 'By a condition…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Share by a condition' })
    const confirm = sheet.getByRole('button', { name: 'Share by this' })
    expect(await confirm.isDisabled()).toBe(true)
    const wallet = `0x${'ab'.repeat(20)}`
    await sheet.getByLabel('Address of the wallet').fill(wallet)
    await sheet.getByRole('button', { name: 'Another condition' }).click()
    expect(await confirm.isDisabled()).toBe(true)
    const second = sheet.getByRole('group', { name: 'Condition 2' })
    await second.getByRole('radio', { name: 'A token' }).click()
    await second.getByLabel('Address of the contract').fill(wallet)
    await second.getByLabel('Chain').fill('polygon')
    await second.getByLabel('At least').fill('5')
    await sheet.getByRole('radio', { name: 'All of them' }).click()
    await confirm.click()
    await page.getByText('Whoever fulfils it can read it now').waitFor()
    const people = inspector(page).getByRole('list', { name: 'Can read it' })
    await people.getByText('Whoever fulfils this').waitFor()
    const both = 'the wallet 0xababab…abab on ethereum and at least 5 of the token 0xababab…abab on polygon'
    await people.getByText(both).waitFor()
    expect(await row(page).getAttribute('aria-label')).toContain('Encrypted, for whoever fulfils conditions')
    await inspector(page).getByRole('tab', { name: 'Overview' }).click()
    await inspector(page).getByText('You can read it, and so can whoever fulfils its conditions.').waitFor()
    const token = { kind: 'token', standard: 'ERC20', contract: wallet, chain: 'polygon', atLeast: '5' }
    expect(await callsOf(page, 'sharing.setConditions')).toMatchObject([
      { rule: { kind: 'all', of: [{ kind: 'wallet', address: wallet, chain: 'ethereum' }, token] } },
    ])
  })

  it('loses its conditions again, from the form that shows them, after what that can’t undo', async () => {
    const page = await open({ items: 3, contacts: 2 })
    await inspect(page, ENCRYPTED)
    await inspector(page).getByRole('tab', { name: 'People' }).click()
    const openForm = async () => {
      await inspector(page).getByRole('button', { name: 'Add people…' }).click()
      await page.getByRole('button', { name: 'By a condition…' }).click()
      return page.getByRole('dialog', { name: 'Share by a condition' })
    }
    const wallet = `0x${'cd'.repeat(20)}`
    const first = await openForm()
    expect(await first.getByRole('button', { name: 'Take its conditions away…' }).count()).toBe(0)
    await first.getByLabel('Address of the wallet').fill(wallet)
    await first.getByLabel('Chain').fill('polygon')
    await first.getByRole('button', { name: 'Share by this' }).click()
    await inspector(page).getByText('Whoever fulfils this').waitFor()
    const again = await openForm()
    await expect.poll(() => again.getByLabel('Address of the wallet').inputValue()).toBe(wallet)
    expect(await again.getByLabel('Chain').inputValue()).toBe('polygon')
    await again.getByRole('button', { name: 'Take its conditions away…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Take the conditions away?' })
    await sheet.getByText(/goes on giving the old key.*can read any copy of the old item/).waitFor()
    await sheet.getByRole('button', { name: 'Remove and encrypt anew' }).click()
    await page.getByText('Encrypting anew, without conditions').waitFor()
    await inspector(page).getByText('Whoever fulfils this').waitFor({ state: 'detached' })
    expect(await callsOf(page, 'sharing.removePeople')).toMatchObject([{ isWithoutConditions: true }])
  })

  it('says that it is, in the list and in the inspector, and plays', async () => {
    const page = await open({ items: 3 })
    await inspect(page, ENCRYPTED)
    expect(await row(page).getAttribute('aria-label')).toContain('Encrypted, only for you')
    await row(page)
      .getByText(/^Encrypted · seeding/)
      .waitFor()
    await inspector(page).getByText('Only you can read it.').waitFor()
    expect(await inspector(page).getByRole('radio', { name: 'Public' }).count()).toBe(0)
    const video = page.locator('video')
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBe(960)
  })

  it('gives out a link with its key after saying what that means', async () => {
    const page = await open({ items: 3 })
    await inspect(page, ENCRYPTED)
    await inspector(page).getByRole('button', { name: 'Copy link', exact: true }).click()
    await page.getByText('Link copied').waitFor()
    await inspector(page).getByRole('button', { name: 'Copy link with key…' }).click()
    const sheet = page.getByRole('dialog', { name: 'A link that carries the key' })
    await sheet.getByText(/Whoever has this link can read/).waitFor()
    await sheet.getByRole('radio', { name: 'In a week' }).click()
    await sheet.getByText(/Advice only/).waitFor()
    const beforeMs = Date.now()
    await sheet.getByRole('button', { name: 'Copy the link' }).click()
    await page.getByText('Link with key copied').waitFor()
    const [plain, withKey] = (await callsOf(page, 'sharing.link')) as {
      withKey?: boolean
      expiresAtMs?: number
    }[]
    expect(plain?.withKey).toBeUndefined()
    expect(withKey?.withKey).toBe(true)
    expect(Math.round(((withKey?.expiresAtMs ?? 0) - beforeMs) / 86_400_000)).toBe(7)
    const copied = (await callsOf(page, 'desktop.copyText')) as { text: string }[]
    expect(copied.map(({ text }) => text.includes('#k='))).toEqual([false, true])
  })

  it('is saved as a copy where the user says, and its address given to a player', async () => {
    const page = await open({ items: 3 })
    await inspect(page, ENCRYPTED)
    await inspector(page).getByRole('button', { name: 'Save a copy…' }).click()
    await expect
      .poll(() => callsOf(page, 'library.saveCopy'))
      .toMatchObject([{ path: '/home/ana/letters.webm', isReplacing: true }])
    await page.getByText('Reading and decrypting').waitFor()
    await inspector(page).getByRole('button', { name: 'Copy address for a player' }).click()
    await page.getByText(/Address copied\. It works on this computer until .*\d:\d\d/).waitFor()
    expect(JSON.stringify(await callsOf(page, 'desktop.copyText'))).toMatch(/http:\/\/127.0.0.1:\d+\/play\//)
  })

  it('gets people and loses them again, honestly, with the progress in sight', async () => {
    const page = await open({ items: 3, contacts: 3 })
    await inspect(page, ENCRYPTED)
    await inspector(page).getByRole('tab', { name: 'People' }).click()
    const people = inspector(page).getByRole('list', { name: 'Can read it' })
    await expect.poll(() => people.getByRole('listitem').count()).toBe(1)
    await inspector(page).getByRole('button', { name: 'Add people…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Ana Lindqvist' }).click()
    await page.getByRole('button', { name: 'Add 1 person' }).click()
    await people.getByText('Ana Lindqvist').waitFor()
    expect(await callsOf(page, 'sharing.addPeople')).toMatchObject([{ people: [ANA] }])
    await inspector(page)
      .getByRole('button', { name: /^Remove .*Ana/ })
      .click()
    const sheet = page.getByRole('dialog', { name: /^Remove .*Ana/ })
    await sheet.getByText(/may keep what they already fetched.*under a new key; its link changes/).waitFor()
    await sheet.getByRole('button', { name: 'Remove and encrypt anew' }).click()
    await inspector(page).getByRole('progressbar', { name: 'Being encrypted anew' }).waitFor()
    await people.getByText('Ana Lindqvist').waitFor({ state: 'detached' })
    expect(await callsOf(page, 'sharing.removePeople')).toMatchObject([{ people: [ANA] }])
  })

  it('that is for others is kept, and its owner can be asked', async () => {
    const page = await open({ items: 3, contacts: 1 })
    await inspect(page, {
      protection: 'needs-key',
      name: 'Encrypted item',
      isOwn: false,
      accessLevel: 'shared',
    })
    await row(page)
      .getByText(/^Needs key/)
      .waitFor()
    await inspector(page).getByText('You can keep it, not read it').waitFor()
    expect(await page.locator('video').count()).toBe(0)
    expect(await inspector(page).getByRole('button', { name: 'Save a copy…' }).count()).toBe(0)
    await inspector(page).getByRole('button', { name: 'Request access' }).click()
    await page.getByText(/^Message copied/).waitFor()
    expect(JSON.stringify(await callsOf(page, 'desktop.copyText'))).toContain('Please let me read')
  })

  it('that opens under conditions is asked for in its place, and says how that went', async () => {
    const failing = {
      'sharing.openWithLit': { code: 'LIT_UNAVAILABLE', message: 'The Lit network did not answer in time.' },
    }
    const page = await open({ items: 3, failing, delayMs: 150 })
    await inspect(page, {
      protection: 'needs-key',
      hasConditions: true,
      name: 'Encrypted item',
      isOwn: false,
      accessLevel: 'private',
      state: 'seeding',
    })
    await inspector(page).getByText('It opens under conditions').waitFor()
    const ask = inspector(page).getByRole('button', { name: 'Open with Lit' })
    await ask.click()
    await inspector(page).getByRole('status').getByText('Asking the Lit network.').waitFor()
    await inspector(page)
      .getByRole('alert')
      .getByText(/did not answer in time/)
      .waitFor()
    await page.evaluate(() => window.fake.failWith('sharing.openWithLit', null))
    await ask.click()
    await page.getByText(/for-holders\.webm.* can be read now/).waitFor()
    await page.locator('video').waitFor()
    await inspector(page).getByRole('button', { name: 'Save a copy…' }).waitFor()
    await inspector(page)
      .getByText(/^It belongs to .* You have the key to it\./)
      .waitFor()
  })

  it('of somebody else is passed on without its key, and left as it is', async () => {
    const page = await open({ items: 3 })
    await inspect(page, { ...ENCRYPTED, isOwn: false, accessLevel: 'shared', sharedWith: 1 })
    await inspector(page).getByRole('button', { name: 'Copy link', exact: true }).waitFor()
    expect(await inspector(page).getByRole('button', { name: 'Copy link with key…' }).count()).toBe(0)
    await row(page).click({ button: 'right' })
    const menu = page.getByRole('menu')
    await menu.getByRole('menuitem', { name: 'Save a copy…' }).waitFor()
    for (const name of ['Copy link with key…', 'Add people…', 'Make public', 'Make private'])
      expect(await menu.getByRole('menuitem', { name }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.evaluate(() =>
      window.fake.changeItems((item) =>
        item === window.fake.items[0] ? { ...item, protection: 'none', accessLevel: 'public' } : item,
      ),
    )
    await inspector(page)
      .getByText(/^Anyone with the link can download it/)
      .waitFor()
    expect(await inspector(page).getByRole('radio', { name: 'Private' }).count()).toBe(0)
    await row(page).click({ button: 'right' })
    expect(await menu.getByRole('menuitem', { name: 'Make private' }).count()).toBe(0)
  })

  it('waits for the wallet when that is locked', async () => {
    const page = await open({ items: 3, wallet: { state: 'locked' } })
    await inspect(page, { ...ENCRYPTED, protection: 'locked' })
    await row(page).getByText('Locked: open your wallet').waitFor()
    const notice = inspector(page).getByRole('heading', { name: 'Your wallet is not open' })
    await notice.waitFor()
    await inspector(page).getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => callsOf(page, 'vault.unlock')).toEqual([{}])
  })
})

describe('a private item in the clear', () => {
  it('says so, and can be encrypted for people', async () => {
    const page = await open({ items: 3, contacts: 2 })
    await inspect(page, {
      protection: 'none',
      accessLevel: 'private',
      isOwn: true,
      state: 'ready',
      isSeedingWanted: false,
    })
    expect(await row(page).getAttribute('aria-label')).toContain('Private, not encrypted')
    await inspector(page)
      .getByText(/in the clear/)
      .waitFor()
    await inspector(page).getByRole('button', { name: 'Encrypt…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Ben' }).click()
    await page.getByRole('button', { name: 'Encrypt', exact: true }).click()
    await expect.poll(() => callsOf(page, 'sharing.encrypt')).toMatchObject([{ people: [BEN] }])
  })
})

describe('a download that can be watched', () => {
  it('plays over the window while it arrives', async () => {
    const page = await open({ items: 3, hasTransfers: true })
    await page
      .getByRole('navigation')
      .getByRole('button', { name: /^Transfers/ })
      .click()
    await page.evaluate(async () => {
      const reply = await window.fake.call('transfers.list', {})
      if (!reply.ok) return
      window.fake.setTransfers(
        reply.value.transfers.map((one) => (one.id === 't2' ? { ...one, isPlayable: true } : one)),
      )
    })
    await page.getByRole('button', { name: /^Play .*Lecture 08/ }).click()
    expect(await callsOf(page, 'library.playUrl')).toEqual([{ transferId: 't2' }])
    const video = page.getByRole('dialog').locator('video')
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBe(960)
  })
})

describe('contacts', () => {
  it('are added from a card’s link given to the app, renamed, and removed with what that does not do', async () => {
    const page = await open({ items: 3 })
    await row(page).waitFor()
    await page.evaluate((link) => window.fake.emit('desktop.linkOpened', { link }), fakeCardLink(1))
    const sheet = page.getByRole('dialog', { name: 'Add a contact' })
    expect(await sheet.getByLabel('Card', { exact: true }).inputValue()).toBe(fakeCardLink(1))
    await sheet.getByRole('button', { name: 'Add', exact: true }).click()
    const list = page.getByRole('region', { name: 'Your contacts' })
    await list.getByText('Ben').waitFor()
    await list.getByText(/^[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}$/).waitFor()
    await list.getByRole('button', { name: /^Rename .*Ben/ }).click()
    await list.getByRole('textbox', { name: 'Name' }).fill('Ben from the choir')
    await list.getByRole('textbox', { name: 'Name' }).press('Enter')
    await list.getByText('Ben from the choir').waitFor()
    await list.getByText(/Calls themselves .*Ben/).waitFor()
    await list.getByRole('button', { name: /^Remove .*Ben/ }).click()
    await page.getByText(/It takes nothing back/).waitFor()
    await page.getByRole('button', { name: 'Remove contact' }).click()
    await page.getByRole('heading', { name: 'Nobody here yet' }).waitFor()
  })

  it('are added from a dropped file and a pasted link; what is no card adds nobody', async () => {
    const page = await open({ items: 3 })
    await row(page).waitFor()
    await page.evaluate((card) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([card], 'ana.sowercard'))
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }, fakeCardLink(0))
    const sheet = page.getByRole('dialog', { name: 'Add a contact' })
    await sheet.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('region', { name: 'Your contacts' }).getByText('Ana Lindqvist').waitFor()
    await page.evaluate(() => {
      const data = new DataTransfer()
      data.setData('text/plain', 'sower://card/bm9uc2Vuc2U')
      document.body.focus()
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))
    })
    await sheet.getByRole('button', { name: 'Add', exact: true }).click()
    await sheet
      .getByRole('alert')
      .getByText(/not a contact card/)
      .waitFor()
    expect(await callsOf(page, 'contacts.add')).toHaveLength(2)
  })
})
