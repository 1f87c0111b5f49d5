import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { dropFiles, openDesktop, until } from '../../support/desktop.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { makeShortVideo, playFrom, seekTo } from '../../support/video.ts'

describe('the window', () => {
  it.runIf(process.env['SOWER_TEST_KEYCHAIN'] === '1')(
    'keeps its wallet in the real keychain, and nothing of it in the data folder or the log',
    async () => {
      await using dir = await tempDir()
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

  it('plays what it encrypted, and brings wallet and items back from the words on an empty profile', async () => {
    await using dir = await tempDir()
    const video = dir.file('first steps.webm')
    await makeShortVideo(video, 8)
    const before = dir.file('secret')
    const sealed = /first steps\.webm\p{Cf}?, Encrypted, only for you/u
    const plays = async (page: Page): Promise<void> => {
      await page.getByRole('row', { name: sealed }).click()
      await page.keyboard.press(' ')
      await playFrom(page, 5)
      // To places whose segments were not read before, and back.
      const player = page.locator('video')
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
})
