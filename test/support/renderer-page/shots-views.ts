import { goTo, openFirst, type Shot } from './shot.ts'
import { RELAYS } from './shots-network.ts'

/** The library and what lies over it. */
export const VIEW_SHOTS: Readonly<Record<string, Shot>> = {
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
  drawer: { options: { items: 214, hasTransfers: true } },
  transfers: { options: { items: 214, hasTransfers: true }, act: goTo('Transfers') },
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
