import { openDesktop } from '../../support/desktop.ts'
import { seekTo } from '../../support/video.ts'

// node seek-window-child.ts DATA_DIR SEEKS: opens the one video of a data folder in the window and prints how long each seek took.
const [dataDir = '', seeks = '0'] = process.argv.slice(2)
{
  await using desktop = await openDesktop({ dataDir })
  const { page } = desktop
  await page.getByRole('row', { name: /\.webm/ }).click()
  await page.keyboard.press(' ')
  const places = Array.from({ length: Number(seeks) }, () => 0.01 + Math.random() * 0.98)
  console.log(JSON.stringify({ timesMs: await seekTo(page, places) }))
}
process.exit(0)
