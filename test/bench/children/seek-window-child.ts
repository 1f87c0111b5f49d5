import { openDesktop } from '../../support/desktop.ts'
import { seekTo } from '../../support/video.ts'

/** Somebody looks at what they jumped to before they jump again; without it the last seek's read-ahead is measured too. */
const REST_MS = 500

// node seek-window-child.ts DATA_DIR SEEKS: opens the one video of a data folder in the window and prints how long each seek took.
const [dataDir = '', seeks = '0'] = process.argv.slice(2)
{
  await using desktop = await openDesktop({ dataDir })
  const { page } = desktop
  await page.getByRole('row', { name: /\.webm/ }).click()
  await page.keyboard.press(' ')
  const places = Array.from({ length: Number(seeks) }, () => 0.01 + Math.random() * 0.98)
  console.log(JSON.stringify({ timesMs: await seekTo(page, places, REST_MS) }))
}
process.exit(0)
