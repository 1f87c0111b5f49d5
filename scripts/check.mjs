import { runChecks } from './lib/check.mjs'
import { prepare } from './lib/prepare.mjs'

await prepare()
process.exitCode = runChecks().failed.length === 0 ? 0 : 1
