import { build } from './lib/build.mjs'
import { ensureElectronRuntime } from './lib/electron-runtime.mjs'
import { packageApp } from './lib/package.mjs'
import { prepare } from './lib/prepare.mjs'
import { giveUp, say } from './lib/project.mjs'

await prepare('run')
const runtime = await ensureElectronRuntime()
if (!(await build())) giveUp('the app could not be built')
const output = await packageApp(runtime, { hasInstallers: process.argv.includes('installers') })
say(`packaged with Electron ${runtime.version} into ${output}`)
