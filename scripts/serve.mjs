import path from 'node:path'
import { pinnedNodePath } from './lib/dependencies.mjs'
import { prepare } from './lib/prepare.mjs'
import { become, projectRoot } from './lib/project.mjs'

await prepare('serve')
const command = path.join(projectRoot, 'app/cli/sower.mjs')
process.exitCode = await become(pinnedNodePath(), [command, 'serve', ...process.argv.slice(2)])
