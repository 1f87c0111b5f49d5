import { chromium, type Browser, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { FakeOptions } from '../../support/fake-bridge.ts'
import { serveRenderer, type RendererServer } from '../../support/renderer-page/server.ts'

export interface OpenOptions {
  readonly extra?: string
  readonly size?: { readonly width: number; readonly height: number }
  readonly colorScheme?: 'light' | 'dark'
  /** The test causes a fault itself. */
  readonly isFaultExpected?: boolean
}

/**
 * One browser and one build of the renderer for a test file; each test opens its own page over the stand-in bridge.
 * A page error or a breach of the content policy fails the test that caused it.
 */
export function setUpRenderer(): (options: FakeOptions, more?: OpenOptions) => Promise<Page> {
  let browser: Browser
  let server: RendererServer
  let pages: Page[] = []
  let faults: string[] = []
  beforeAll(async () => {
    server = await serveRenderer()
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    })
  }, 120_000)
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.close()))
    pages = []
    const seen = faults
    faults = []
    if (seen.length > 0) throw new Error(`The page complained:\n${seen.join('\n')}`)
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
  })
  return async (options, { extra, size, colorScheme, isFaultExpected } = {}) => {
    const page = await browser.newPage({
      viewport: size ?? { width: 1180, height: 760 },
      reducedMotion: 'reduce',
      ...(colorScheme === undefined ? {} : { colorScheme }),
    })
    pages.push(page)
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (line) => {
      if (isFaultExpected !== true && line.type() === 'error') faults.push(line.text())
    })
    await page.goto(server.url(options, extra))
    return page
  }
}

/** Arguments of every call named `name` that the page has made. */
export function callsOf(page: Page, name: string): Promise<unknown[]> {
  return page.evaluate(
    (wanted) => window.fake.calls.filter((call) => call.name === wanted).map((call) => call.args),
    name,
  )
}
