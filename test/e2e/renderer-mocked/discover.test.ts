import type { Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import type { FakeOptions } from '../../support/fake-bridge.ts'
import { fakePublisherKey } from '../../support/fake-discovery.ts'
import { fakeCardLink } from '../../support/fake-people.ts'
import { callsOf, setUpRenderer } from './window-page.ts'

// The real renderer in Chromium; the bridge behind it is a stand-in (test/support/fake-bridge.ts).
const open = setUpRenderer()

const RELAY = 'wss://relay.example.org/gun'
const rail = (page: Page, name: string) => page.getByRole('navigation').getByRole('button', { name }).click()
const list = (page: Page) => page.getByRole('listbox', { name: 'Items others published' })
const row = (page: Page, index: number) => page.locator(`[role="option"][aria-posinset="${index + 1}"]`)

async function discover(options: FakeOptions): Promise<Page> {
  const page = await open({ items: 3, relays: [RELAY], ...options })
  await rail(page, 'Discover')
  return page
}

describe('the feed', () => {
  it('shows what others published, newest first, and who says how many copies there are', async () => {
    const page = await discover({ found: 15, following: 1 })
    await row(page, 0).waitFor()
    expect(await row(page, 0).innerText()).toMatch(
      /^harbour-at-dawn\.webm\s+Valley Radio\s+442 MB\s+2 hours ago\s+1 node says it has it, heard 4 minutes ago · 2 complete in the swarm, heard 2 minutes ago$/,
    )
    await row(page, 2).getByText('In your library').waitFor()
    await row(page, 4).getByText('No copy heard of').waitFor()
    await row(page, 14).getByText('Copies not counted yet').waitFor()
    await page.getByText('That is all 15').waitFor()
  })

  it('asks for the next page only as one comes near it, and draws only what is in sight', async () => {
    const page = await discover({ found: 320 })
    await row(page, 0).waitFor()
    await list(page).focus()
    await page.keyboard.press('End')
    await row(page, 49).waitFor()
    expect(await page.getByRole('option').count()).toBeLessThan(45)
    for (let at = 0; at < 6; at++) {
      const before = (await callsOf(page, 'discovery.search')).length
      await page.keyboard.press('End')
      if (at < 5)
        await expect
          .poll(async () => (await callsOf(page, 'discovery.search')).length)
          .toBeGreaterThan(before)
    }
    await page.keyboard.press('End')
    await row(page, 319).waitFor()
    const cursors = (await callsOf(page, 'discovery.search')).map(
      (args) => (args as { cursor?: string }).cursor,
    )
    expect(cursors.filter((one) => one !== undefined)).toEqual(['50', '100', '150', '200', '250', '300'])
  })

  it('looks for words, one kind, and only those one follows', async () => {
    const page = await discover({ found: 60, following: 2 })
    await row(page, 0).waitFor()
    await page.getByRole('searchbox', { name: 'Search what others publish' }).fill('rivers')
    await page.getByRole('button', { name: 'Audio' }).click()
    await page.getByRole('button', { name: 'Followed only' }).click()
    await expect
      .poll(async () => (await callsOf(page, 'discovery.search')).at(-1))
      .toEqual({ text: 'rivers', kind: 'audio', isFollowedOnly: true })
    await page.getByText('Nothing found for “⁨rivers⁩”').waitFor()
    await page.getByRole('button', { name: 'Show everything' }).click()
    await row(page, 0).waitFor()
    const did = `did:gun:media:${'5e'.repeat(32)}`
    await page.getByRole('searchbox', { name: 'Search what others publish' }).fill(did)
    await page.getByRole('button', { name: 'Ask the network for this item' }).click()
    await page.getByRole('alert').getByText('No relay knows of this item.').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('searchbox', { name: 'Search what others publish' }).fill('')
    await row(page, 0).waitFor()
  })

  it('stays where one reads when news arrive, and says that there are some', async () => {
    const page = await discover({ found: 60 })
    await row(page, 0).waitFor()
    const tell = () =>
      page.evaluate(() => window.fake.emit('discovery.changed', { mediaIds: [], isReset: true }))
    const before = (await callsOf(page, 'discovery.search')).length
    await tell()
    await expect.poll(async () => (await callsOf(page, 'discovery.search')).length).toBe(before + 1)
    await list(page).evaluate((element) => element.scrollTo({ top: 1200 }))
    await row(page, 22).waitFor()
    await tell()
    await page.getByRole('button', { name: 'Show what is new' }).click()
    await row(page, 0).waitFor()
  })

  it('says that it talks to no relay, and takes a checked address for one', async () => {
    const page = await discover({ relays: [] })
    await page.getByRole('heading', { name: 'Sower talks to no relay yet' }).waitFor()
    await page.getByRole('button', { name: 'Add a relay…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Add a relay' })
    const field = sheet.getByLabel('Address of the relay')
    await field.fill('udp://relay.example.org')
    await page.keyboard.press('Enter')
    await sheet.getByText('A relay starts with wss:').waitFor()
    expect(await callsOf(page, 'settings.set')).toEqual([])
    await field.fill(RELAY)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Nothing heard yet' }).waitFor()
    expect(await callsOf(page, 'settings.set')).toEqual([{ gunPeers: [RELAY] }])
  })

  it('says that nobody is followed, and what went wrong when it can’t be asked', async () => {
    const page = await discover({ found: 5 })
    await row(page, 0).waitFor()
    await page.getByRole('button', { name: 'Followed only' }).click()
    await page.getByRole('heading', { name: 'You follow nobody yet' }).waitFor()
    const failing = { 'discovery.search': { code: 'UNAVAILABLE', message: 'The index is being made.' } }
    const broken = await discover({ failing })
    await broken.getByRole('heading', { name: 'That is not possible right now' }).waitFor()
    await broken.evaluate(() => window.fake.failWith('discovery.search', null))
    await broken.getByRole('button', { name: 'Try again' }).click()
    await broken.getByRole('heading', { name: 'Nothing heard yet' }).waitFor()
  })
})

describe('an item before one has it', () => {
  const openAt = async (page: Page, index: number) => {
    await row(page, index).click()
    await page.getByRole('button', { name: 'Copy link' }).waitFor()
  }

  it('tells its copies by who says so, its roads, version and publisher, and is fetched by its link', async () => {
    const page = await discover({ found: 12 })
    await list(page).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'harbour-at-dawn.webm' }).waitFor()
    const copies = page.getByRole('region', { name: 'Copies' })
    await copies.getByText('1 node, heard 4 minutes ago').waitFor()
    await copies.getByText('2 complete copies, said 2 minutes ago').waitFor()
    await page.getByRole('list', { name: 'Ways it could come here' }).getByText('media.example.org').waitFor()
    await page.getByText('Heard from a relay just now.').waitFor()
    await page.getByText('E389-5230-B7A4-4B35').waitFor()
    await page.getByRole('button', { name: 'Get it' }).click()
    await expect
      .poll(() => callsOf(page, 'fetching.start'))
      .toEqual([{ link: expect.stringMatching(/^sower:\/\/media\/[0-9a-f]{64}\?v=1&pub=/) as string }])
    await page.getByRole('button', { name: 'Show transfer' }).waitFor()
  })

  it('is hosted for its publisher by getting and seeding it', async () => {
    const page = await discover({ found: 12 })
    await openAt(page, 1)
    await page.getByText('stays available when its publisher is away').waitFor()
    await page.getByRole('button', { name: 'Host this for them' }).click()
    await expect.poll(() => callsOf(page, 'fetching.start')).toMatchObject([{ isSeedingWanted: true }])
  })

  it('shows two versions that contradict each other and chooses none', async () => {
    const page = await discover({ found: 12 })
    await openAt(page, 3)
    const warning = page.getByRole('alert')
    await warning.getByText('Two versions contradict each other').waitFor()
    await warning.getByText('Other field-notes').waitFor()
    expect(await warning.getByRole('listitem').count()).toBe(2)
  })

  it('opens in the library when it is there already', async () => {
    const page = await discover({ found: 12 })
    await openAt(page, 2)
    expect(await page.getByRole('button', { name: 'Get it' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Open in library' }).click()
    await expect.poll(() => callsOf(page, 'library.position')).toHaveLength(1)
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
    expect((await callsOf(page, 'library.list')).every((args) => !('search' in (args as object)))).toBe(true)
  })

  it('says that no relay answered, and why an item can’t be shown', async () => {
    const page = await discover({ found: 3, relays: [] })
    await page.getByText('nothing new arrives').waitFor()
    await openAt(page, 0)
    await page.getByText('No relay answered; this is what was known before.').waitFor()
    await page.evaluate(() =>
      window.fake.failWith('discovery.item', { code: 'WITHDRAWN', message: 'Valley Radio withdrew it.' }),
    )
    await page.getByRole('button', { name: 'Ask again' }).click()
    await page.getByRole('alert').getByText('Valley Radio withdrew it.').waitFor()
    await page.keyboard.press('Escape')
    await row(page, 0).waitFor()
  })
})

describe('publishers', () => {
  it('are followed by card, seen first by their fingerprint, and left again', async () => {
    const page = await discover({ found: 30 })
    await page.getByRole('button', { name: 'Follow…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Follow somebody' })
    const follow = sheet.getByRole('button', { name: 'Follow', exact: true })
    await sheet.getByLabel('Card, key or link').fill('nobody')
    await sheet.getByText('Nobody is known by that key.').waitFor()
    expect(await follow.isDisabled()).toBe(true)
    await sheet.getByLabel('Card, key or link').fill(fakeCardLink(0))
    await sheet.getByText('E389-5230-B7A4-4B35').waitFor()
    await sheet.getByLabel('What you call them (optional)').fill('The radio')
    await follow.click()
    await page.getByRole('heading', { name: 'The radio' }).waitFor()
    expect(await callsOf(page, 'following.add')).toEqual([{ publisher: fakeCardLink(0), name: 'The radio' }])
    await page.getByText('Not among your contacts').waitFor()
    const { owner, pub } = fakePublisherKey(0)
    await page.getByRole('listbox', { name: 'What they publish' }).waitFor()
    const owners = (await callsOf(page, 'discovery.search')).map((args) => (args as { owner?: string }).owner)
    expect(owners).toContain(owner)
    await page.getByRole('button', { name: 'Stop following' }).click()
    await page.getByText('Not followed').waitFor()
    expect(await callsOf(page, 'following.remove')).toEqual([{ pub }])
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: 'Stop following' }).waitFor()
  })

  it('are reached from an item, and the way back leads through it', async () => {
    const page = await discover({ found: 15, following: 1 })
    await row(page, 0).click()
    await page.getByRole('button', { name: 'Valley Radio' }).click()
    await page.getByRole('heading', { name: 'Valley Radio' }).waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('heading', { name: 'harbour-at-dawn.webm' }).waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await row(page, 0).waitFor()
  })
})

describe('a contact', () => {
  it('leads to what they publish', async () => {
    const page = await open({ items: 3, contacts: 2, found: 12, relays: [RELAY] })
    await rail(page, 'Contacts')
    await page.getByRole('button', { name: /^See what .*Ana/ }).click()
    await page.getByRole('heading', { name: 'Valley Radio' }).waitFor()
    expect(await callsOf(page, 'discovery.publisher')).toEqual([{ publisher: fakePublisherKey(0).owner }])
  })
})

describe('the network view and its settings', () => {
  it('says how each relay does, what others hear, and why messages were dropped', async () => {
    const page = await open({ items: 3, relays: [RELAY, 'wss://second.example.net/gun'] })
    await rail(page, 'Network')
    const card = page.getByRole('region', { name: 'Discovery network' })
    await card.getByText('Works, connected 2 hours ago').waitFor()
    await card.getByText('It refused the connection.').waitFor()
    await card.getByText('What you have, not where you are').waitFor()
    await card.getByText('1,311').click()
    await card.getByText('signature does not hold').waitFor()
    await page.evaluate(async () => {
      const reply = await window.fake.call('node.status', {})
      if (!reply.ok) return
      const network = { ...reply.value.network, state: 'restarting', dropped: { brandnew: 5 } }
      window.fake.emit('node.changed', { ...reply.value, network })
    })
    await card.getByText('Restarting after a fault; library and seeding go on').waitFor()
    await card.getByText('other reasons').waitFor()
  })

  it('keeps relays, address, region, beginning and gateways, each checked', async () => {
    const page = await open({ items: 3, relays: [RELAY] })
    await rail(page, 'Settings')
    await page.getByRole('button', { name: /^Remove .*relay\.example\.org/ }).waitFor()
    const relay = page.getByLabel('Address of a new relay')
    await relay.fill(RELAY)
    await relay.locator('xpath=ancestor::div[contains(@class,"adder")]').getByRole('button').click()
    await page.getByText('That address is already in the list.').waitFor()
    await page.getByRole('switch', { name: 'Tell others my address' }).click()
    await page.getByLabel('Region').fill('a/b')
    await page.keyboard.press('Enter')
    await page.getByText('Use up to 32 letters').waitFor()
    await page.getByLabel('Region').fill('Tyrol')
    await page.keyboard.press('Enter')
    await page.getByLabel('Beginning kept on the relays').fill('2')
    await page.keyboard.press('Enter')
    const gateway = page.getByLabel('Address of a new gateway').first()
    await gateway.fill('https://ipfs.example.org/')
    await gateway.locator('xpath=ancestor::div[contains(@class,"adder")]').getByRole('button').click()
    await expect
      .poll(() => callsOf(page, 'settings.set'))
      .toEqual([
        { isAddressShared: true },
        { region: 'Tyrol' },
        { bootstrapBytes: 2_097_152 },
        { ipfsGateways: ['https://ipfs.example.org'] },
      ])
  })
})

describe('a download', () => {
  it('is put before the others, and names each road', async () => {
    const page = await open({ items: 3, hasTransfers: true })
    await rail(page, 'Transfers')
    const transfer = page.getByRole('main').getByRole('group', { name: /Lecture 08/ })
    await transfer.getByText(/IPFS: .*ipfs\.example\.org/).waitFor()
    await transfer.getByText('Relays · 2 MB').waitFor()
    await transfer.getByRole('button', { name: /^Priority of/ }).click()
    await page.getByRole('menuitem', { name: 'First' }).click()
    await transfer.getByRole('button', { name: /^Priority of .*: First$/ }).waitFor()
    expect(await callsOf(page, 'fetching.setPriority')).toEqual([{ id: 't2', priority: 'high' }])
  })
})
