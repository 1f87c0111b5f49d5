import { goTo, inspect, type Shot } from './shot.ts'

const FRESH = { isBackedUp: false, isReplaceable: true } as const

/** What is private: encrypted items, the wallet, the people one knows. */
export const PRIVATE_SHOTS: Readonly<Record<string, Shot>> = {
  sealed: {
    options: { items: 214, contacts: 3 },
    act: inspect({ protection: 'readable', isOwn: true, sharedWith: 2 }),
  },
  people: {
    options: { items: 214, contacts: 3 },
    act: inspect({ protection: 'readable', isOwn: true, sharedWith: 2 }, 'People'),
  },
  'needs-key': { options: { items: 214, contacts: 3 }, act: inspect({ protection: 'needs-key' }) },
  'by-conditions': {
    options: { items: 214, contacts: 3 },
    act: async (page) => {
      await inspect({ protection: 'needs-key' })(page)
      await page.evaluate(() =>
        window.fake.changeItems((item) =>
          item.protection === 'needs-key' ? { ...item, hasConditions: true } : item,
        ),
      )
      await page.waitForTimeout(300)
    },
  },
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
}
