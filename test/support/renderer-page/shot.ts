import type { Page } from 'playwright'
import type { Item } from '../../../app/contract/index.ts'
import type { FakeOptions } from '../fake-bridge.ts'

/** One picture: what the library is like, and what is done before it is taken. */
export interface Shot {
  readonly options: FakeOptions
  readonly size?: { readonly width: number; readonly height: number }
  readonly extra?: string
  readonly isLightOnly?: boolean
  readonly act?: (page: Page) => Promise<void>
}

export const openFirst = async (page: Page) => {
  await page.getByRole('grid').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Home')
  await page.keyboard.press('Space')
  await page.waitForTimeout(2500)
}
export const goTo = (name: string) => async (page: Page) => {
  await page.getByRole('navigation').getByRole('button', { name }).click()
  await page.waitForTimeout(150)
}

/** Opens the inspector on the first item that is `wanted`, on one of its tabs. */
export const inspect = (wanted: Partial<Item>, tab?: string) => async (page: Page) => {
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
