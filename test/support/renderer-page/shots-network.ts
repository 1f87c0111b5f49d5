import type { Page } from 'playwright'
import type { FakeOptions } from '../fake-bridge.ts'
import { goTo, type Shot } from './shot.ts'

export const RELAYS = ['wss://relay.example.org/gun', 'wss://garden.example.net/gun']
const NETWORKED: FakeOptions = { items: 214, found: 320, following: 3, relays: RELAYS }
const openFound = (index: number) => async (page: Page) => {
  await goTo('Discover')(page)
  await page.getByRole('option').nth(index).click()
  await page.waitForTimeout(400)
}

/** What others publish, and the ways to it. */
export const NETWORK_SHOTS: Readonly<Record<string, Shot>> = {
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
}
