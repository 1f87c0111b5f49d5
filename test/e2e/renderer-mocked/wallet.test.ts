import decodeQR from 'qr/decode.js'
import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { FAKE_WORDS } from '../../support/fake-people.ts'
import { callsOf, setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()

const FRESH = { isBackedUp: false, isReplaceable: true } as const
const words = FAKE_WORDS[12]

const goToWallet = async (page: Page) => {
  await page.getByRole('navigation').getByRole('button', { name: 'Wallet' }).click()
  await page.getByRole('heading', { name: 'Wallet', exact: true }).waitFor()
}

describe('the wallet’s words', () => {
  it('are shown when asked for, leave with the focus, and three of them are asked back', async () => {
    const page = await open({ items: 3, wallet: { isBackedUp: false } })
    await page.getByText('Your wallet has no backup.').waitFor()
    await page.getByRole('button', { name: 'Back it up' }).click()
    await page.getByRole('button', { name: 'I have pen and paper' }).click()
    expect(await callsOf(page, 'vault.reveal')).toEqual([])
    const written = page.getByRole('button', { name: 'I have written them down' })
    expect(await written.isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Show the words' }).click()
    const list = page.getByRole('list', { name: 'Your words, in order' })
    expect(await list.getByRole('listitem').allInnerTexts()).toHaveLength(12)
    expect(await list.innerText()).toContain('picnic')
    expect(await list.evaluate((element) => getComputedStyle(element).userSelect)).toBe('none')
    await page.evaluate(() => window.dispatchEvent(new Event('blur')))
    await list.waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('picnic')

    await written.click()
    const positions = [2, 7, 11]
    for (const position of positions) {
      await page.getByLabel(`Word ${position}`, { exact: true }).fill(words[position - 1] ?? '')
    }
    await page.getByLabel('Word 7', { exact: true }).fill('garden')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByText('Not this word. Look at the paper again.').waitFor()
    expect(await page.getByLabel('Word 7', { exact: true }).getAttribute('aria-invalid')).toBe('true')
    expect(await page.getByLabel('Word 2', { exact: true }).getAttribute('aria-invalid')).toBe(null)
    await page.getByLabel('Word 7', { exact: true }).fill(` ${words[6]?.toUpperCase()} `)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Your wallet is backed up' }).waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('Your wallet has no backup.').waitFor({ state: 'detached' })
  })

  it('bring a wallet back, and the wrong one is named where it stands', async () => {
    const page = await open({ items: 0, wallet: FRESH })
    await page.getByRole('button', { name: 'I have one already…' }).click()
    const first = page.getByRole('textbox', { name: 'Word 1', exact: true })
    await first.fill(words.join(' ').replace('grab', 'grub'))
    expect(await page.getByRole('textbox', { name: 'Word 12', exact: true }).inputValue()).toBe('picnic')
    const restore = page.getByRole('button', { name: 'Restore', exact: true })
    await restore.click()
    await page.getByText('Not a word of the list').waitFor()
    const third = page.getByRole('textbox', { name: 'Word 3', exact: true })
    expect(await third.getAttribute('aria-invalid')).toBe('true')
    await third.fill('grab')
    await restore.click()
    await page.getByText('Your wallet is back').waitFor()
    expect((await callsOf(page, 'vault.restore')).at(-1)).toEqual({
      from: 'words',
      words: words.join(' '),
      passphrase: '',
      isReplacing: false,
    })
    await page.getByText('Your identity was made').waitFor({ state: 'detached' })
  })
})

describe('the wallet’s backup file', () => {
  it('gets a password twice, and says how good it is', async () => {
    const page = await open({ items: 3, wallet: { isBackedUp: false } })
    await goToWallet(page)
    await page.getByRole('button', { name: 'Save a backup file…' }).click()
    const save = page.getByRole('button', { name: 'Save file…' })
    const password = page.getByLabel('Password for the file')
    const again = page.getByLabel('The same again')
    expect(await password.getAttribute('type')).toBe('password')
    await password.fill('short')
    await page.getByText('At least 8 characters.').waitFor()
    await password.fill('aaaaaaaaaa')
    await page.getByText(/^Easy to guess/).waitFor()
    await password.fill('correct horse battery')
    await page.getByText(/^Good/).waitFor()
    await again.fill('correct horse batterx')
    await page.getByText('The two are not the same.').waitFor()
    expect(await save.isDisabled()).toBe(true)
    await again.fill('correct horse battery')
    await save.click()
    await page.getByText('Backup saved').waitFor()
    expect(await callsOf(page, 'vault.exportBackup')).toEqual([{ password: 'correct horse battery' }])
    expect(await callsOf(page, 'desktop.saveText')).toMatchObject([
      { suggestedName: 'sower-wallet.sowerbackup' },
    ])
    await page.getByText('Backed up', { exact: true }).waitFor()
  })

  it('restores over a wallet that owns things only when that is said, and never over one without a backup', async () => {
    const page = await open({ items: 3, openedText: '{"sealed":1}', wallet: { isBackedUp: false } })
    await goToWallet(page)
    await page.getByRole('button', { name: 'Restore…' }).click()
    await page.getByRole('radio', { name: 'Backup file' }).click()
    const restore = page.getByRole('button', { name: 'Restore', exact: true })
    await page.getByRole('button', { name: 'Choose the file…' }).click()
    await page.getByText('A file was chosen').waitFor()
    await page.getByLabel('Password of the file').fill('wrong horse')
    await restore.click()
    await page.getByText(/The password does not open this backup/).waitFor()
    await page.getByLabel('Password of the file').fill('correct horse')
    await restore.click()
    await page.getByText(/Your present wallet has no backup yet/).waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('node.status', {})
      if (reply.ok) {
        window.fake.emit('node.changed', {
          ...reply.value,
          wallet: { ...reply.value.wallet, isBackedUp: true },
        })
      }
    })
    await restore.click()
    await page.getByText(/The present wallet owns things/).waitFor()
    expect(await restore.isDisabled()).toBe(true)
    await page.getByRole('checkbox', { name: 'Replace the present wallet' }).check()
    await restore.click()
    await page.getByText('Your wallet is back').waitFor()
    expect((await callsOf(page, 'vault.restore')).at(-1)).toMatchObject({ from: 'file', isReplacing: true })
  })
})

describe('the wallet page', () => {
  it('draws the card as a code that reads back as its link', async () => {
    const page = await open({ items: 3 })
    await goToWallet(page)
    await page.getByLabel('Name on the card (optional)').fill('Ana')
    await expect.poll(async () => (await callsOf(page, 'vault.card')).at(-1)).toEqual({ name: 'Ana' })
    await page.getByRole('button', { name: 'Copy card link' }).click()
    await page.getByText('Card link copied').waitFor()
    const [copied] = (await callsOf(page, 'desktop.copyText')) as { text: string }[]
    const code = page.getByRole('img', { name: 'Your card as a code to scan' })
    const { sizePx, bits } = await code.evaluate((element) => {
      const modules = Number(element.getAttribute('viewBox')?.split(' ').at(-1))
      const edgePx = modules * 3
      const context = new OffscreenCanvas(edgePx, edgePx).getContext('2d')
      if (context === null) throw new Error('no canvas')
      context.scale(3, 3)
      context.fill(new Path2D(element.querySelector('path')?.getAttribute('d') ?? ''))
      const { data } = context.getImageData(0, 0, edgePx, edgePx)
      let drawn = ''
      for (let at = 3; at < data.length; at += 4) drawn += (data[at] ?? 0) > 127 ? '1' : '0'
      return { sizePx: edgePx, bits: drawn }
    })
    const data = Uint8Array.from(
      bits.split('').flatMap((bit) => (bit === '1' ? [0, 0, 0, 255] : [255, 255, 255, 255])),
    )
    expect(decodeQR({ width: sizePx, height: sizePx, data })).toBe(copied?.text)
  })

  it('says of each state of the wallet what it is and the one thing that helps', async () => {
    const page = await open({ items: 3 })
    await goToWallet(page)
    const states = [
      ['keychain', 'locked', 'The keychain is locked.', 'Try again'],
      ['passphrase', 'locked', 'Your wallet is locked.', 'Unlock…'],
      ['keychain', 'absent', 'No keychain answers, or your wallet is not in it.', 'Try again'],
      ['keychain', 'denied', 'The keychain refused access.', 'Try again'],
      ['passphrase', 'wrong', 'The passphrase does not open your wallet.', 'Unlock…'],
      ['keychain', 'wrong', 'The keychain holds another wallet than the one of this library.', 'Restore…'],
      ['keychain', 'damaged', 'The stored wallet is damaged.', 'Restore…'],
    ] as const
    for (const [storage, state, title, button] of states) {
      await page.evaluate(
        async (wallet) => {
          const reply = await window.fake.call('node.status', {})
          if (reply.ok) {
            window.fake.emit('node.changed', {
              ...reply.value,
              wallet: { ...reply.value.wallet, ...wallet },
            })
          }
        },
        { storage, state },
      )
      const alert = page.getByRole('alert')
      await alert.getByRole('heading', { name: title }).waitFor()
      await alert.getByText(/Public media keep working/).waitFor()
      expect(await alert.getByRole('button').first().innerText()).toBe(button)
    }
  })

  it('opens a wallet file with its passphrase', async () => {
    const page = await open({ items: 3, wallet: { storage: 'passphrase', state: 'locked' } })
    await page.getByRole('button', { name: 'Unlock…' }).click()
    const field = page.getByLabel('Passphrase')
    await field.fill('guess')
    await field.press('Enter')
    await page
      .getByText(/That passphrase does not open/)
      .first()
      .waitFor()
    await field.fill('correct horse')
    await field.press('Enter')
    await page.getByText('Your wallet is open', { exact: true }).waitFor()
  })

  it('makes another wallet with 24 words and a passphrase while nothing depends on the present one', async () => {
    const page = await open({ items: 0, wallet: FRESH })
    await goToWallet(page)
    await page.getByRole('button', { name: 'Make another…' }).click()
    await page.getByRole('radio', { name: '24 words' }).click()
    await page.getByLabel('Passphrase (optional)').fill('meadow')
    await page.getByLabel('The passphrase again').fill('meadow')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('button', { name: 'I have pen and paper' }).click()
    await page.getByRole('button', { name: 'Show the words' }).click()
    expect(await page.getByRole('list', { name: 'Your words, in order' }).getByRole('listitem').count()).toBe(
      24,
    )
    await page.getByText(/also has a passphrase/).waitFor()
  })

  it('gives everything a new key, and shows how far it is', async () => {
    const page = await open({ items: 60 })
    await goToWallet(page)
    await page.getByRole('button', { name: 'Give everything new keys…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Somebody may know my keys' })
    await dialog.getByText(/\d+ private items are encrypted anew/).waitFor()
    await dialog.getByRole('button', { name: 'Start' }).click()
    await page.getByText(/^0 of \d+ have their new key/).waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('transfers.list', {})
      if (!reply.ok) return
      window.fake.setTransfers(
        reply.value.transfers.map((one, index) => (index === 0 ? { ...one, state: 'done' as const } : one)),
      )
    })
    await page.getByText(/^1 of \d+ have their new key/).waitFor()
  })
})

describe('the reminder of the backup', () => {
  it('can be put off while nothing private depends on it, and not any more once something does', async () => {
    const page = await open({ items: 0, wallet: FRESH })
    await page.getByText('Your identity was made').waitFor()
    expect(await page.getByText('Your wallet has no backup.').count()).toBe(0)
    await page.getByRole('button', { name: 'Later' }).click()
    await page.getByText('Your identity was made').waitFor({ state: 'detached' })
    expect(await page.getByText('Your wallet has no backup.').count()).toBe(0)

    const owning = await open({ items: 30, wallet: { isBackedUp: false } })
    await owning.getByText('Your wallet has no backup.').waitFor()
    await owning.getByText(/^30 items/).waitFor()
    expect(await owning.getByRole('button', { name: 'Remind me in a week' }).count()).toBe(0)
  })
})
