import { build } from './lib/build.mjs'
import { prepare } from './lib/prepare.mjs'

await prepare()
const isComplete = await build({ isForced: process.argv.includes('--force') })
process.exitCode = isComplete ? 0 : 1
