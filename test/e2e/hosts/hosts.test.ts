import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { _electron } from 'playwright'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'
import { ensureElectronRuntime } from '../../../scripts/lib/electron-runtime.mjs'
import { tempDir } from '../../support/temp-dir.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

interface HostReport {
  readonly reply: { readonly name: string; readonly args: unknown; readonly node: string }
  readonly electronNode: string
  readonly isPidKnown: boolean
  readonly exits: number
}

/** A main process that does nothing but start the stand-in engine in one of the two ways, talk to it and kill it. */
const MAIN = `
import { app } from 'electron'
import { startEngineHost } from './engine-host.mjs'
app.on('window-all-closed', () => undefined)
globalThis.tryHost = (kind, entry) => new Promise((resolve) => {
  const host = startEngineHost(kind, entry)
  let reply
  let exits = 0
  host.onExit(() => {
    exits += 1
    setTimeout(() => resolve({ reply, electronNode: process.versions.node, isPidKnown, exits }), 200)
  })
  let isPidKnown = false
  host.onMessage((message) => {
    if (message.type === 'booted') host.post({ type: 'start', options: { dataDir: '/somewhere', flags: {}, mode: 'desktop' } })
    if (message.type === 'ready') host.post({ type: 'call', id: 7, name: 'node.status', args: { of: message.addresses.dataDir } })
    if (message.type === 'reply') {
      reply = message.reply.value
      isPidKnown = host.pid > 0
      host.kill()
    }
  })
})
`

describe('the two ways to host the engine, with a stand-in that any Node can run', () => {
  it.each(['utility', 'child'] as const)(
    '%s: messages go both ways, a kill is noticed once',
    async (kind) => {
      await using dir = await tempDir()
      const appDir = dir.file('app')
      mkdirSync(appDir)
      await build({
        configFile: false,
        logLevel: 'error',
        build: {
          lib: {
            entry: path('../../../main/engine-host.ts'),
            formats: ['es'],
            fileName: () => 'engine-host.mjs',
          },
          outDir: appDir,
          emptyOutDir: false,
          rollupOptions: { external: [/^node:/, 'electron'] },
        },
      })
      writeFileSync(dir.file('app/package.json'), '{"name":"host-app","main":"main.mjs","type":"module"}')
      writeFileSync(dir.file('app/main.mjs'), MAIN)
      const { executablePath } = await ensureElectronRuntime()
      const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), appDir]
      const app = await _electron.launch({
        executablePath,
        args: [...args, `--user-data-dir=${dir.file('profile')}`],
        env: {
          ...Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
          SOWER_NODE: process.execPath,
        },
      })
      try {
        await app.evaluate(async ({ app: electron }) => electron.whenReady())
        const report = (await app.evaluate(
          (_electron, [how, entry]) =>
            (Reflect.get(globalThis, 'tryHost') as (how: string, entry: string) => Promise<unknown>)(
              how,
              entry,
            ),
          [kind, path('../../fixtures/host-app/echo-engine.mjs')] as const,
        )) as HostReport
        const expectedNode = kind === 'child' ? process.versions.node : report.electronNode
        expect(report).toEqual({
          reply: { name: 'node.status', args: { of: '/somewhere' }, node: expectedNode },
          electronNode: report.electronNode,
          isPidKnown: true,
          exits: 1,
        })
      } finally {
        await app.close()
      }
    },
  )
})
