// Pictures of the window's views: the real renderer in Chromium over a made-up library.
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright'
import type { Item } from '../../../app/contract/index.ts'
import type { FakeOptions } from '../fake-bridge.ts'
import { serveRenderer } from './server.ts'

interface Shot {
  readonly options: FakeOptions
  readonly size?: { readonly width: number; readonly height: number }
  readonly extra?: string
  readonly isLightOnly?: boolean
  readonly act?: (page: Page) => Promise<void>
}

const NORMAL = { width: 1180, height: 760 }

const openFirst = async (page: Page) => {
  await page.getByRole('grid').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Home')
  await page.keyboard.press('Space')
  await page.waitForTimeout(2500)
}
const goTo = (name: string) => async (page: Page) => {
  await page.getByRole('navigation').getByRole('button', { name }).click()
  await page.waitForTimeout(150)
}

/** Opens the inspector on the first item that is `wanted`, on one of its tabs. */
const inspect = (wanted: Partial<Item>, tab?: string) => async (page: Page) => {
  await page.locator('#library-row-0').waitFor()
  await page.evaluate((like) => {
    const found = window.fake.items.find((item) =>
      Object.entries(like).every(([key, value]) => item[key as keyof typeof item] === value),
    )
    if (found === undefined) throw new Error('no such item')
    window.fake.changeItems((item) =>
      item === found
        ? {
            ...item,
            addedAtMs: Date.now() + 1000,
            ...(like.protection === 'readable' ? { name: 'letters-to-ana.webm', mime: 'video/webm' } : {}),
          }
        : item,
    )
    window.fake.emit('library.changed', { items: [], removed: [], isReset: true })
  }, wanted)
  await page.waitForTimeout(900)
  await openFirst(page)
  if (tab !== undefined) await page.getByRole('tab', { name: tab }).click()
  await page.waitForTimeout(300)
}
const RELAYS = ['wss://relay.example.org/gun', 'wss://garden.example.net/gun']
const NETWORKED: FakeOptions = { items: 214, found: 320, following: 3, relays: RELAYS }
const openFound = (index: number) => async (page: Page) => {
  await goTo('Discover')(page)
  await page.getByRole('option').nth(index).click()
  await page.waitForTimeout(400)
}
const FRESH = { isBackedUp: false, isReplaceable: true } as const

const SHOTS: Readonly<Record<string, Shot>> = {
  library: { options: { items: 214 } },
  'library-10000': { options: { items: 10_000 }, size: { width: 1600, height: 1000 }, act: openFirst },
  'library-narrow': { options: { items: 214 }, size: { width: 760, height: 520 } },
  empty: { options: { items: 0 } },
  inspector: { options: { items: 214, firstMime: 'video/webm' }, act: openFirst },
  'inspector-narrow': {
    options: { items: 214 },
    size: { width: 760, height: 520 },
    isLightOnly: true,
    act: openFirst,
  },
  peers: {
    options: { items: 214 },
    act: async (page) => {
      await openFirst(page)
      await page.getByRole('tab', { name: 'Peers' }).click()
    },
  },
  sealed: {
    options: { items: 214, contacts: 3 },
    act: inspect({ protection: 'readable', isOwn: true, sharedWith: 2 }),
  },
  people: {
    options: { items: 214, contacts: 3 },
    act: inspect({ protection: 'readable', isOwn: true, sharedWith: 2 }, 'People'),
  },
  'needs-key': { options: { items: 214, contacts: 3 }, act: inspect({ protection: 'needs-key' }) },
  unshare: {
    options: { items: 214, contacts: 3 },
    isLightOnly: true,
    act: async (page) => {
      await inspect({ protection: 'readable', isOwn: true, sharedWith: 2 }, 'People')(page)
      await page.getByRole('button', { name: /^Remove .*Ben/ }).click()
      await page.waitForTimeout(400)
    },
  },
  'key-link': {
    options: { items: 214, contacts: 3 },
    isLightOnly: true,
    act: async (page) => {
      await inspect({ protection: 'readable', isOwn: true })(page)
      await page.getByRole('button', { name: 'Copy link with key…' }).click()
      await page.getByRole('radio', { name: 'In a week' }).click()
      await page.waitForTimeout(400)
    },
  },
  wallet: { options: { items: 214 }, size: { width: 1180, height: 980 }, act: goTo('Wallet') },
  'wallet-fresh': { options: { items: 0, wallet: FRESH }, act: goTo('Wallet') },
  'wallet-locked': { options: { items: 214, wallet: { state: 'locked' } }, act: goTo('Wallet') },
  'wallet-narrow': {
    options: { items: 214 },
    size: { width: 760, height: 520 },
    isLightOnly: true,
    act: goTo('Wallet'),
  },
  'wallet-rtl': { options: { items: 214 }, extra: '&dir=rtl', isLightOnly: true, act: goTo('Wallet') },
  words: {
    options: { items: 3 },
    act: async (page) => {
      await goTo('Wallet')(page)
      await page.getByRole('button', { name: 'See the words again…' }).click()
      await page.getByRole('button', { name: 'I have pen and paper' }).click()
      await page.getByRole('button', { name: 'Show the words' }).click()
      await page.waitForTimeout(1800)
    },
  },
  'words-explain': {
    options: { items: 3, wallet: { isBackedUp: false } },
    isLightOnly: true,
    act: async (page) => {
      await page.getByRole('button', { name: 'Back it up' }).click()
      await page.waitForTimeout(400)
    },
  },
  restore: {
    options: { items: 3 },
    act: async (page) => {
      await goTo('Wallet')(page)
      await page.getByRole('button', { name: 'Restore…' }).click()
      const words = 'ozone drill grub fiber curtain grace pudding thank cruise elder eight picnic'
      await page.getByRole('textbox', { name: 'Word 1', exact: true }).fill(words)
      await page.getByRole('button', { name: 'Restore', exact: true }).click()
      await page.waitForTimeout(1800)
    },
  },
  'backup-file': {
    options: { items: 3 },
    isLightOnly: true,
    act: async (page) => {
      await goTo('Wallet')(page)
      await page.getByRole('button', { name: 'Save a backup file…' }).click()
      await page.getByLabel('Password for the file').fill('garden of forking')
      await page.getByLabel('The same again').fill('garden')
      await page.waitForTimeout(300)
    },
  },
  rotate: {
    options: { items: 214 },
    isLightOnly: true,
    act: async (page) => {
      await goTo('Wallet')(page)
      await page.getByRole('button', { name: 'Give everything new keys…' }).click()
      await page.waitForTimeout(500)
    },
  },
  contacts: {
    options: { items: 214, contacts: 5 },
    size: { width: 1180, height: 980 },
    act: goTo('Contacts'),
  },
  'contacts-empty': { options: { items: 214 }, act: goTo('Contacts') },
  'contacts-narrow': {
    options: { items: 214, contacts: 5 },
    size: { width: 760, height: 520 },
    isLightOnly: true,
    act: goTo('Contacts'),
  },
  'add-contact': {
    options: { items: 214, contacts: 2 },
    isLightOnly: true,
    act: async (page) => {
      await page.getByRole('main').waitFor()
      await page.evaluate(() => window.fake.emit('desktop.linkOpened', { link: 'sower://card/Y2FyZC0z' }))
      await page.waitForTimeout(400)
    },
  },
  welcome: { options: { items: 0, wallet: FRESH } },
  'backup-banner': { options: { items: 214, wallet: { isBackedUp: false } } },
  drawer: { options: { items: 214, hasTransfers: true } },
  transfers: { options: { items: 214, hasTransfers: true }, act: goTo('Transfers') },
  discover: { options: NETWORKED, act: goTo('Discover') },
  'discover-narrow': {
    options: NETWORKED,
    size: { width: 760, height: 520 },
    isLightOnly: true,
    act: goTo('Discover'),
  },
  'discover-no-relay': { options: { items: 214 }, isLightOnly: true, act: goTo('Discover') },
  'discover-nobody': {
    options: { items: 214, found: 20, relays: RELAYS },
    isLightOnly: true,
    act: async (page) => {
      await goTo('Discover')(page)
      await page.getByRole('button', { name: 'Followed only' }).click()
      await page.waitForTimeout(300)
    },
  },
  found: { options: NETWORKED, act: openFound(0) },
  'found-conflict': {
    options: NETWORKED,
    size: { width: 1180, height: 900 },
    isLightOnly: true,
    act: openFound(3),
  },
  'found-narrow': {
    options: NETWORKED,
    size: { width: 760, height: 520 },
    isLightOnly: true,
    act: openFound(2),
  },
  publisher: {
    options: NETWORKED,
    act: async (page) => {
      await goTo('Discover')(page)
      await page.getByRole('group', { name: 'Following' }).getByRole('button').first().click()
      await page.waitForTimeout(300)
    },
  },
  follow: {
    options: NETWORKED,
    isLightOnly: true,
    act: async (page) => {
      await goTo('Discover')(page)
      await page.getByRole('button', { name: 'Follow…' }).click()
      await page.getByLabel('Card, key or link').fill('sower://card/Y2FyZC0z')
      await page.waitForTimeout(700)
    },
  },
  'discover-rtl': {
    options: NETWORKED,
    extra: '&dir=rtl',
    isLightOnly: true,
    act: goTo('Discover'),
  },
  network: {
    options: { items: 214, relays: RELAYS },
    size: { width: 1180, height: 1180 },
    act: goTo('Network'),
  },
  'network-no-relay': { options: { items: 214 }, isLightOnly: true, act: goTo('Network') },
  settings: { options: { items: 214 }, act: goTo('Settings') },
  'settings-tall': {
    options: { items: 214, relays: RELAYS },
    size: { width: 1180, height: 2700 },
    act: goTo('Settings'),
  },
  failed: {
    options: {
      engine: {
        state: 'failed',
        restarts: 3,
        fix: 'free-port',
        error: {
          code: 'PORT_IN_USE',
          message: 'Port 8765 is taken by another program, so Sower can’t listen there.',
        },
      },
    },
  },
  drop: {
    options: { items: 214 },
    act: async (page) => {
      await page.evaluate(() => {
        const transfer = new DataTransfer()
        transfer.items.add(new File(['x'], 'film.mp4'))
        window.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transfer, bubbles: true }))
      })
      await page.waitForTimeout(100)
      await page.evaluate(() => {
        const transfer = new DataTransfer()
        transfer.items.add(new File(['x'], 'film.mp4'))
        document
          .querySelector('[data-audience="public"]')
          ?.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transfer, bubbles: true }))
      })
      await page.waitForTimeout(300)
    },
  },
  'paste-link': {
    options: { items: 214 },
    act: async (page) => {
      await page.evaluate(() =>
        window.fake.emit('desktop.linkOpened', {
          link: `sower://media/${'c4'.repeat(32)}?v=1&tr=wss://tracker`,
        }),
      )
      await page.waitForTimeout(600)
    },
  },
  'ask-access': {
    options: { items: 214, contacts: 5 },
    act: async (page) => {
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      await page.waitForTimeout(400)
    },
  },
  shortcuts: {
    options: { items: 214 },
    isLightOnly: true,
    act: async (page) => {
      await page.keyboard.press('?')
      await page.waitForTimeout(300)
    },
  },
  menu: {
    options: { items: 214 },
    act: async (page) => {
      await page.getByRole('row').nth(4).click({ button: 'right' })
      await page.waitForTimeout(200)
    },
  },
  toast: {
    options: { items: 214 },
    act: async (page) => {
      await page.getByRole('row').nth(4).click()
      await page.keyboard.press('Delete')
      await page.waitForTimeout(700)
    },
  },
  notices: {
    options: { items: 214 },
    act: async (page) => {
      await page.evaluate(async () => {
        const reply = await window.fake.call('node.status', {})
        if (!reply.ok) return
        window.fake.emit('node.changed', {
          ...reply.value,
          wallet: { storage: 'keychain', state: 'locked' },
          notices: [
            {
              id: 'n1',
              level: 'warning',
              code: 'MANIFEST_MOVED_ASIDE',
              message: 'The description of “letters.pdf” was damaged and was moved aside.',
              hint: 'Its bytes are untouched; add the file again to sign a new one.',
              atMs: Date.now(),
            },
          ],
        })
      })
      await page.waitForTimeout(200)
    },
  },
  pseudo: {
    options: { items: 214, hasTransfers: true },
    extra: '&locale=pseudo',
    isLightOnly: true,
    act: openFirst,
  },
  rtl: { options: { items: 214 }, extra: '&dir=rtl', isLightOnly: true, act: openFirst },
}

const say = (line: string) => process.stdout.write(`${line}\n`)

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: 'docs/screenshots' } },
  allowPositionals: true,
})
const out = resolve(values.out)
await mkdir(out, { recursive: true })
const names = positionals.length > 0 ? positionals : Object.keys(SHOTS)
const server = await serveRenderer()
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
try {
  for (const name of names) {
    const shot = SHOTS[name]
    if (shot === undefined)
      throw new Error(`There is no picture named ${name}. Known: ${Object.keys(SHOTS).join(', ')}`)
    for (const theme of shot.isLightOnly === true ? (['light'] as const) : (['light', 'dark'] as const)) {
      const page = await browser.newPage({ viewport: shot.size ?? NORMAL })
      page.on('pageerror', (error) => say(`${name}: ${error.message}`))
      page.on('console', (line) => {
        if (line.type() === 'error') say(`${name}: ${line.text()}`)
      })
      const options = { ...shot.options, prefs: { theme } } as const
      await page.goto(server.url(options, shot.extra))
      await page.waitForTimeout(500)
      await shot.act?.(page)
      await page.screenshot({ path: join(out, `${name}-${theme}.png`) })
      await page.close()
    }
    say(name)
  }
} finally {
  await browser.close()
  await server.close()
}
