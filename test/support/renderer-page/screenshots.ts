// Pictures of the window's views: the real renderer in Chromium over a made-up library.
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { serveRenderer } from './server.ts'
import type { Shot } from './shot.ts'
import { NETWORK_SHOTS } from './shots-network.ts'
import { PRIVATE_SHOTS } from './shots-private.ts'
import { VIEW_SHOTS } from './shots-views.ts'

const NORMAL = { width: 1180, height: 760 }
const SHOTS: Readonly<Record<string, Shot>> = { ...VIEW_SHOTS, ...PRIVATE_SHOTS, ...NETWORK_SHOTS }

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
