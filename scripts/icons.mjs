import fs from 'node:fs'
import path from 'node:path'
import { prepare } from './lib/prepare.mjs'
import { giveUp, projectRoot, say } from './lib/project.mjs'

// Renders resources/icons and resources/tray from the SVG drawings. Their results are committed; run this after
// changing a drawing.

/**
 * @typedef {'idle' | 'active' | 'paused' | 'attention'} TrayState
 * @typedef {{ leaf: string, mark: string, edge: string }} TrayColours
 */

await prepare('test')
const { chromium } = await import('playwright')

const chromiumPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((file) => fs.existsSync(file))
if (chromiumPath === undefined) giveUp('the icons are drawn by Chromium, which is not installed')
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
try {
  await drawAppIcons()
  await drawTrayIcons()
} finally {
  await browser.close()
}

async function drawAppIcons() {
  const full = fs.readFileSync(path.join(projectRoot, 'resources/icon.svg'), 'utf8')
  const small = fs.readFileSync(path.join(projectRoot, 'resources/icon-small.svg'), 'utf8')
  for (const size of [16, 22, 24, 32, 48, 64, 128, 256, 512, 1024]) {
    await render(size < 48 ? small : full, size, `resources/icons/${size}.png`)
  }
}

async function drawTrayIcons() {
  /** @type {readonly TrayState[]} */
  const states = ['idle', 'active', 'paused', 'attention']
  for (const state of states) {
    // A thin edge of the opposite shade keeps the coloured mark readable on light and dark panels alike.
    const coloured = trayDrawing(state, { leaf: '#8fd07a', mark: markColour(state), edge: '#123524' })
    const template = trayDrawing(state, { leaf: '#000000', mark: '#000000', edge: 'none' })
    for (const [scale, suffix] of /** @type {const} */ ([
      [1, ''],
      [2, '@2x'],
    ])) {
      await render(coloured, 22 * scale, `resources/tray/${state}${suffix}.png`)
      await render(template, 22 * scale, `resources/tray/${state}Template${suffix}.png`)
    }
  }
}

/** @param {TrayState} state */
function markColour(state) {
  return { idle: 'none', active: '#f2b84b', paused: '#e8efe9', attention: '#e5533d' }[state]
}

/**
 * The sprout; what it is doing stands at the lower right.
 * @param {TrayState} state
 * @param {TrayColours} colours
 */
function trayDrawing(state, { leaf, mark, edge }) {
  const isTemplate = edge === 'none'
  const plant = `
    <path d="M9 20 V11.6" fill="none" stroke-width="2.2" stroke-linecap="round"/>
    <path d="M9 10.5 C9 4.8 12.6 1.6 18.8 1.6 C18.8 7.6 15 11 9 10.5 Z"/>
    <path d="M9 15.2 C9 11 6.2 8.6 1.4 8.4 C1.4 12.8 4.4 15.6 9 15.2 Z"/>`
  const outline = isTemplate
    ? ''
    : `<g stroke="${edge}" stroke-width="1.8" stroke-linejoin="round" fill="${edge}">${plant.replace('stroke-width="2.2"', `stroke="${edge}" stroke-width="3.8"`)}</g>`
  const body = `<g fill="${leaf}" stroke="none">${plant.replace('fill="none"', `fill="none" stroke="${leaf}"`)}</g>`
  const ring = isTemplate ? '' : ` stroke="${edge}" stroke-width="1"`
  /** @type {Record<TrayState, string>} */
  const marks = {
    idle: '',
    active: `<path d="M16.5 12 L20.4 16.4 H18 V20.4 H15 V16.4 H12.6 Z" fill="${mark}"${ring} stroke-linejoin="round"/>`,
    paused: `<rect x="13" y="13" width="2.8" height="7.6" rx="0.8" fill="${mark}"${ring}/><rect x="17.6" y="13" width="2.8" height="7.6" rx="0.8" fill="${mark}"${ring}/>`,
    attention: `<rect x="15" y="11.4" width="3" height="5.8" rx="1.3" fill="${mark}"${ring}/><circle cx="16.5" cy="19.6" r="1.6" fill="${mark}"${ring}/>`,
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22">${outline}${body}${marks[state]}</svg>`
}

/**
 * @param {string} svg
 * @param {number} sizePx
 * @param {string} target relative to the checkout
 */
async function render(svg, sizePx, target) {
  const page = await browser.newPage({ viewport: { width: sizePx, height: sizePx } })
  const style =
    'html, body { margin: 0; background: transparent } svg { display: block; width: 100vw; height: 100vh }'
  await page.setContent(`<!doctype html><style>${style}</style>${svg}`)
  const file = path.join(projectRoot, target)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  await page.screenshot({ path: file, omitBackground: true })
  await page.close()
  say(`drew ${target}`)
}
