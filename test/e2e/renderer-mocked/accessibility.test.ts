import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import type { FakeOptions } from '../../support/fake-bridge.ts'
import { setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds of serious or critical impact, as short lines. */
async function seriousProblems(page: Page): Promise<string[]> {
  // Through the debugger, which the page's content policy does not bind.
  await page.evaluate(axeSource)
  const results = await page.evaluate(() => {
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }
    return axe.run({ resultTypes: ['violations'] })
  })
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.slice(0, 4).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
    )
}

const goTo = (name: RegExp) => async (page: Page) => {
  await page.getByRole('navigation').getByRole('button', { name }).click()
}

const NETWORKED: FakeOptions = {
  items: 3,
  found: 12,
  following: 2,
  relays: ['wss://relay.example.org/gun', 'wss://garden.example.net/gun'],
}

const places: readonly {
  readonly name: string
  readonly options: FakeOptions
  readonly act?: (page: Page) => Promise<void>
}[] = [
  { name: 'the library with drawer', options: { items: 80, hasTransfers: true } },
  { name: 'the empty library', options: { items: 0 } },
  {
    name: 'the inspector',
    options: { items: 80, firstMime: 'video/webm' },
    act: async (page) => {
      await page.locator('#library-row-0').click()
      await page.keyboard.press('Space')
      await page.getByText('Manifest', { exact: true }).waitFor()
    },
  },
  { name: 'transfers', options: { items: 3, hasTransfers: true }, act: goTo(/^Transfers/) },
  {
    name: 'the people of an encrypted item',
    options: { items: 3, contacts: 3 },
    act: async (page) => {
      await page.locator('#library-row-0').waitFor()
      await page.evaluate(() =>
        window.fake.changeItems((item) => ({ ...item, protection: 'readable', isOwn: true, sharedWith: 2 })),
      )
      await page.locator('#library-row-0').click()
      await page.keyboard.press('Space')
      await page.getByText('You and 2 other people can read it.', { exact: false }).waitFor()
      await page.getByRole('tab', { name: /^People/ }).click()
      await page.getByRole('list', { name: 'Can read it' }).getByText('Ben').waitFor()
    },
  },
  {
    name: 'an item that needs a key',
    options: { items: 3, wallet: { isBackedUp: false } },
    act: async (page) => {
      await page.locator('#library-row-0').waitFor()
      await page.evaluate(() => window.fake.changeItems((item) => ({ ...item, protection: 'needs-key' })))
      await page.locator('#library-row-0').click()
      await page.keyboard.press('Space')
      await page.getByRole('button', { name: 'Request access' }).waitFor()
    },
  },
  {
    name: 'the wallet',
    options: { items: 3 },
    act: async (page) => {
      await goTo(/^Wallet/)(page)
      await page.getByRole('img', { name: /code to scan/ }).waitFor()
    },
  },
  { name: 'the closed wallet', options: { items: 3, wallet: { state: 'denied' } }, act: goTo(/^Wallet/) },
  {
    name: 'the words',
    options: { items: 3 },
    act: async (page) => {
      await goTo(/^Wallet/)(page)
      await page.getByRole('button', { name: 'See the words again…' }).click()
      await page.getByRole('button', { name: 'I have pen and paper' }).click()
      await page.getByRole('button', { name: 'Show the words' }).click()
      await page.getByText('picnic').waitFor()
    },
  },
  {
    name: 'restoring',
    options: { items: 3 },
    act: async (page) => {
      await goTo(/^Wallet/)(page)
      await page.getByRole('button', { name: 'Restore…' }).click()
      await page.getByRole('textbox', { name: 'Word 1', exact: true }).fill('wrong '.repeat(12))
      await page.getByRole('button', { name: 'Restore', exact: true }).click()
      await page.getByText('Not a word of the list').waitFor()
    },
  },
  {
    name: 'contacts',
    options: { items: 3, contacts: 3 },
    act: async (page) => {
      await goTo(/^Contacts/)(page)
      await page.getByRole('img', { name: /code to scan/ }).waitFor()
    },
  },
  {
    name: 'the first-run words on identity',
    options: { items: 0, wallet: { isBackedUp: false, isReplaceable: true } },
  },
  {
    name: 'the feed',
    options: NETWORKED,
    act: async (page) => {
      await goTo(/^Discover/)(page)
      await page.getByRole('option').nth(4).waitFor()
    },
  },
  {
    name: 'an item others published',
    options: NETWORKED,
    act: async (page) => {
      await goTo(/^Discover/)(page)
      await page.getByRole('option').nth(3).click()
      await page.getByText('Two versions contradict each other').waitFor()
    },
  },
  {
    name: 'a publisher',
    options: NETWORKED,
    act: async (page) => {
      await goTo(/^Discover/)(page)
      await page.getByRole('group', { name: 'Following' }).getByRole('button').first().click()
      await page.getByRole('listbox').waitFor()
    },
  },
  {
    name: 'following somebody',
    options: NETWORKED,
    act: async (page) => {
      await goTo(/^Discover/)(page)
      await page.getByRole('button', { name: 'Follow…' }).click()
      await page.getByLabel('Card, key or link').fill('sower://card/Y2FyZC0z')
      await page.getByText('Unnamed publisher').waitFor()
    },
  },
  { name: 'discovery without a relay', options: { items: 3 }, act: goTo(/^Discover/) },
  { name: 'network', options: NETWORKED, act: goTo(/^Network/) },
  { name: 'settings', options: { items: 3 }, act: goTo(/^Settings/) },
  {
    name: 'the link sheet',
    options: { items: 3 },
    act: async (page) => {
      await page.evaluate(() => window.fake.emit('desktop.linkOpened', { link: 'magnet:?xt=urn:btih:0' }))
      await page.getByText('Magnet link').waitFor()
    },
  },
  {
    name: 'the failed engine',
    options: {
      engine: {
        state: 'failed',
        restarts: 1,
        error: { code: 'DISK_FULL', message: 'No room for the database.' },
      },
    },
  },
]

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  it.each(places)('axe finds nothing serious in $name', async ({ options, act }) => {
    const page = await open({ ...options, prefs: { theme } })
    await page.getByRole('main').waitFor()
    await page.waitForFunction(() => document.querySelector('[role="status"]') !== null)
    await act?.(page)
    expect(await seriousProblems(page)).toEqual([])
  })
})

describe('everywhere', () => {
  it('would notice an unnamed button and text too faint to read', async () => {
    const page = await open({ items: 3 })
    await page.locator('#library-row-0').waitFor()
    await page.evaluate(() => {
      const faint = document.createElement('p')
      faint.textContent = 'too faint'
      faint.style.color = 'rgb(240 238 232)'
      document.querySelector('nav')?.append(document.createElement('button'), faint)
    })
    const problems = (await seriousProblems(page)).join('\n')
    expect(problems).toContain('button-name')
    expect(problems).toContain('color-contrast')
  })

  it('goes round the parts of the window with F6', async () => {
    const page = await open({ items: 5, hasTransfers: true })
    await page.locator('#library-row-0').click()
    await page.keyboard.press('Space')
    await page.getByRole('complementary', { name: 'Inspector' }).waitFor()
    const seen: (string | null)[] = []
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('F6')
      seen.push(
        await page.evaluate(
          () => document.activeElement?.closest('[data-region]')?.getAttribute('data-region') ?? null,
        ),
      )
    }
    expect(seen).toEqual(['inspector', 'drawer', 'top', 'rail', 'list'])
  })

  it('lists its shortcuts behind a question mark and closes the list with Escape', async () => {
    const page = await open({ items: 5 })
    await page.getByRole('grid').focus()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('has no text outside the catalogue', async () => {
    const page = await open({ items: 0 }, { extra: '&locale=pseudo' })
    await page.getByRole('main').waitFor()
    for (const view of [0, 1, 2, 3, 4, 5, 6]) {
      await page.getByRole('navigation').getByRole('button').nth(view).click()
      const strays = await page.evaluate(() => {
        const found: string[] = []
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
        for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
          const parent = node.parentElement
          if (
            parent === null ||
            parent.closest('bdi, script, [class*="mono"], [class*="path"], [class*="message"]') !== null
          )
            continue
          found.push(node.textContent ?? '')
        }
        for (const element of document.querySelectorAll('[aria-label], [placeholder]')) {
          found.push(element.getAttribute('aria-label') ?? '')
        }
        return found
      })
      // Numbers with units, product and protocol names, and made-up addresses are not words.
      const isFree = (text: string) =>
        /^[\s\d.,:·%↑↓–+?]*((bytes?|[kMGT]B)(\/s)?)?[\s\d.]*$|⟦|^Sower$|^DHT|^\[?https?:|^\+[A-Z,]$|^,$/.test(
          text.trim(),
        )
      expect(
        strays.filter((text) => !isFree(text)),
        `view ${view}`,
      ).toEqual([])
    }
  })

  it.each([
    ['at the smallest size', { size: { width: 760, height: 520 } }],
    ['at twice the size', { size: { width: 590, height: 380 } }],
    ['from right to left', { extra: '&dir=rtl' }],
  ] as const)('needs no sideways scrolling %s', async (_, more) => {
    const page = await open({ items: 40, hasTransfers: true }, more)
    await page.locator('#library-row-0').waitFor()
    const overflow = await page.evaluate(() => {
      const grid = document.querySelector('[role="grid"]')
      return [
        document.documentElement.scrollWidth - innerWidth,
        (grid?.scrollWidth ?? 0) - (grid?.clientWidth ?? 0),
      ]
    })
    expect(overflow.every((pixels) => pixels <= 0)).toBe(true)
  })
})
