// Pictures of the window's views, light and dark: `npm run screenshots [-- --out DIR] [NAME…]`.
import path from 'node:path'
import { pinnedNodePath } from './lib/dependencies.mjs'
import { prepare } from './lib/prepare.mjs'
import { become, projectRoot } from './lib/project.mjs'

await prepare('test')
const main = path.join(projectRoot, 'test/support/renderer-page/screenshots.ts')
process.exitCode = await become(pinnedNodePath(), [main, ...process.argv.slice(2)])
