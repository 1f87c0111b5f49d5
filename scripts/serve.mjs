import path from 'node:path'
import { pinnedNodePath } from './lib/dependencies.mjs'
import { prepare } from './lib/prepare.mjs'
import { become, projectRoot } from './lib/project.mjs'

await prepare('serve')
const main = path.join(projectRoot, 'app/cli/main.ts')
process.exitCode = await become(pinnedNodePath(), [main, 'serve', ...process.argv.slice(2)])
