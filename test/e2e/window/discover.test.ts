import { mkdirSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDesktop, type Desktop } from '../../support/desktop.ts'
import { startRelay, type Relay } from '../../support/gun-relay.ts'
import { serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { startTracker } from '../../support/tracker.ts'

// The real window and engine, a stock gun relay, a tracker, and another node that publishes: each in a process of its own.

/** A picture of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

let stack: AsyncDisposableStack
let dir: TempDir
let relay: Relay
let publisher: SowerNode
let desktop: Desktop
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  mkdirSync(dir.file('relay'))
  relay = stack.use(await startRelay(dir.file('relay')))
  const tracker = stack.use(await startTracker())
  // Without the slash that links carry: the same tracker all the same.
  publisher = stack.use(await serveNode(dir.file('publisher'), [tracker.ws], { GUN_PEERS: relay.url }))
  const env = { WEBTORRENT_TRACKERS: tracker.ws }
  desktop = stack.use(await openDesktop({ dataDir: dir.file('window'), env }))
  await desktop.page.getByText('Nothing sown yet').waitFor()
})
afterEach(() => stack.disposeAsync())

async function publish(
  name: string,
  content: string | Uint8Array,
): Promise<{ mediaId: string; link: string }> {
  writeFileSync(dir.file(name), content)
  return sowerJson(publisher.dataDir, ['add', dir.file(name), '--access', 'public'])
}

const rail = (page: Page, name: string): Promise<void> =>
  page.getByRole('navigation').getByRole('button', { name }).click()

const found = (page: Page, name: RegExp) => page.getByRole('option', { name })

async function addRelayInSettings(page: Page): Promise<void> {
  await page.keyboard.press('Control+,')
  await page.getByLabel('Address of a new relay').fill(relay.url)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^Remove .*127\.0\.0\.1/ }).waitFor()
}

async function clickMenu(label: string): Promise<string | undefined> {
  return desktop.app.evaluate(({ Menu }, wanted) => {
    const items = Menu.getApplicationMenu()?.items.flatMap(({ submenu }) => submenu?.items ?? []) ?? []
    const item = items.find((each) => each.label === wanted)
    item?.click()
    return item?.accelerator ?? undefined
  }, label)
}

describe('Discover, with a network', () => {
  it('finds what another node publishes, follows who that is, gets it and hosts it, and bears the loss of the relay', async () => {
    const { page } = desktop
    const film = await publish('harbour at dawn.txt', 'The boats go out before the sun.\n'.repeat(2000))
    await publish('lighthouse.png', PIXEL)

    expect(await clickMenu('Discover')).toBe('CmdOrCtrl+2')
    await page.getByRole('heading', { name: 'Sower talks to no relay yet' }).waitFor()
    await addRelayInSettings(page)
    await page.keyboard.press('Control+2')
    await found(page, /harbour at dawn\.txt/).waitFor()
    await found(page, /lighthouse\.png/).waitFor()

    await page.keyboard.press('Control+F')
    await page.keyboard.type('harb')
    await found(page, /lighthouse\.png/).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Pictures' }).click()
    await page.getByText('Nothing found for “⁨harb⁩”').waitFor()
    await page.getByRole('button', { name: 'Show everything' }).click()
    await found(page, /lighthouse\.png/).waitFor()

    await page.getByRole('button', { name: 'Follow…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Follow somebody' })
    await sheet.getByLabel('Card, key or link').fill(film.link)
    // The link names them, and what is known of theirs tells their own key.
    await sheet.getByText('2 items known').waitFor()
    await sheet.getByLabel('What you call them (optional)').fill('Anna')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Anna' }).waitFor()
    await page.getByText(/^List read/).waitFor()
    await publish('second tide.txt', 'What was added later.')
    await found(page, /second tide\.txt/).waitFor()

    const theirs = page.getByRole('listbox', { name: 'What they publish' })
    await theirs.focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'harbour at dawn.txt' }).waitFor()
    await page.getByText('Heard from a relay just now.').waitFor()
    await page.getByRole('region', { name: 'Copies' }).getByText('1 node, heard').waitFor()
    await page.getByRole('list', { name: 'Ways it could come here' }).getByText('Torrent').waitFor()
    await page.getByRole('button', { name: 'Get it' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Open in library' }).click()
    await page.getByRole('row', { name: /harbour at dawn\.txt\p{Cf}?, Public/u }).waitFor()

    await page.keyboard.press('Control+2')
    await rail(page, 'Discover')
    await found(page, /harbour at dawn\.txt.*In your library/).waitFor()
    await found(page, /lighthouse\.png/).click()
    await page.getByRole('button', { name: 'Host this for them' }).click()
    await page.getByRole('button', { name: 'Open in library' }).waitFor()

    await page.keyboard.press('Control+5')
    const card = page.getByRole('region', { name: 'Discovery network' })
    await card.getByText(/^Works, connected/).waitFor()
    await card.getByText('What you have, not where you are').waitFor()
    await relay.stop()
    await card.getByText('Does not answer; trying again').waitFor()
    await card.getByText('Nothing listens there.').waitFor()
    await card.getByText('No relay answers; library and seeding go on').waitFor()
    await page.keyboard.press('Control+2')
    await rail(page, 'Discover')
    await page.getByText('No relay answers right now').waitFor()
    await found(page, /second tide\.txt/).click()
    await page.getByText('No relay answered; this is what was known before.').waitFor()
  })

  it('follows a publisher from what they published', async () => {
    const { page } = desktop
    await addRelayInSettings(page)
    await page.keyboard.press('Control+2')
    await page.getByRole('heading', { name: 'Nothing heard yet' }).waitFor()
    await publish('open lecture.txt', 'for everybody')
    await found(page, /open lecture\.txt/).click()
    const header = page.getByRole('main').getByRole('button', { name: /^[0-9A-Z]{4}-[0-9A-Z]{4}…$/ })
    await header.click()
    await page.getByRole('button', { name: 'Follow', exact: true }).click()
    await page.getByRole('button', { name: 'Stop following' }).waitFor()
    await page.getByText(/^List read/).waitFor()
    await page.getByRole('listbox', { name: 'What they publish' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Followed only' }).click()
    await found(page, /open lecture\.txt/).waitFor()
  })

  it('keeps apart what two publish of the same bytes, counts what nobody opened, and leaves no search behind', async () => {
    const { page } = desktop
    const another = stack.use(await serveNode(dir.file('another'), [], { GUN_PEERS: relay.url }))
    const text = 'The boats go out before the sun.'
    await publish('harbour at dawn.txt', text)
    writeFileSync(dir.file('boats at dawn.txt'), text)
    const twin = await sowerJson<{ link: string }>(another.dataDir, [
      'add',
      dir.file('boats at dawn.txt'),
      '--access',
      'public',
    ])
    await addRelayInSettings(page)
    await page.keyboard.press('Control+2')
    await page.getByRole('button', { name: 'Follow…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Follow somebody' })
    await sheet.getByLabel('Card, key or link').fill(twin.link)
    await sheet.getByLabel('What you call them (optional)').fill('Berta')
    await sheet.getByRole('button', { name: 'Follow', exact: true }).click()
    await page.getByRole('heading', { name: 'Berta' }).waitFor()
    await page.keyboard.press('Control+2')
    await rail(page, 'Discover')
    await page.keyboard.press('Escape')
    await found(page, /boats at dawn\.txt.*Berta/).waitFor()
    await found(page, /harbour at dawn\.txt.*2 nodes say they have it/).waitFor()

    await found(page, /boats at dawn\.txt/).click()
    await page.getByRole('heading', { name: 'boats at dawn.txt' }).waitFor()
    await page.getByRole('button', { name: 'Berta' }).waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await found(page, /harbour at dawn\.txt/).click()
    await page.getByRole('heading', { name: 'harbour at dawn.txt' }).waitFor()
    await page.getByRole('button', { name: 'Get it' }).click()
    await page.getByRole('button', { name: 'Open in library' }).click()
    await page.getByRole('row', { name: /harbour at dawn\.txt/u, selected: true }).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
    const inspector = page.getByRole('complementary')
    await inspector.getByText('Say they have it').waitFor()
    await inspector.getByText(/2 nodes, last heard/).waitFor()
  })
})
