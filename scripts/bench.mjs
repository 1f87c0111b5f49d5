import path from 'node:path'
import { pinnedNodePath } from './lib/dependencies.mjs'
import { prepare } from './lib/prepare.mjs'
import { become, projectRoot } from './lib/project.mjs'

await prepare('test')
const main = path.join(projectRoot, 'test/bench/main.ts')
process.exitCode = await become(pinnedNodePath(), ['--expose-gc', main, ...process.argv.slice(2)])
