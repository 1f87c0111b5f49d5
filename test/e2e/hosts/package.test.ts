import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCurrentFuseWire, FuseV1Options } from '@electron/fuses'
import { _electron } from 'playwright'
import { describe, expect, it } from 'vitest'
import { ensureElectronRuntime } from '../../../scripts/lib/electron-runtime.mjs'
import { packageApp } from '../../../scripts/lib/package.mjs'
import { dropFiles } from '../../support/desktop.ts'
import { tempDir } from '../../support/temp-dir.ts'

const ON = '1'.charCodeAt(0)

describe('the packaged app', () => {
  it('starts, adds a dropped file and stores it', async () => {
    await using dir = await tempDir()
    const runtime = await ensureElectronRuntime()
    const output = await packageApp(runtime, { outputFolder: dir.file('dist') })
    const unpacked = readdirSync(output).find((name) => name.endsWith('-unpacked')) ?? ''
    const executablePath = join(output, unpacked, 'sower')
    expect(existsSync(executablePath)).toBe(true)

    const file = dir.file('note.txt')
    writeFileSync(file, 'packaged')
    const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']))
    const app = await _electron.launch({
      executablePath,
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      env: {
        ...env,
        SOWER_NODE: process.execPath,
        SOWER_DATA_DIR: dir.file('data'),
        SOWER_PORT: '0',
        SOWER_CONTROL_PORT: '0',
        WEBTORRENT_TRACKERS: 'none',
        SOWER_DHT: 'off',
      },
    })
    try {
      const page = await app.firstWindow()
      await page.getByText('Nothing sown yet').waitFor()
      await dropFiles(page, [file], 'private')
      await page.getByText('Added and encrypted, only for you').first().waitFor()
    } finally {
      await app.evaluate(({ app: electron }) => electron.quit()).catch(() => undefined)
      await app.close().catch(() => undefined)
    }

    const fuses = await getCurrentFuseWire(executablePath)
    expect(fuses[FuseV1Options.RunAsNode]).not.toBe(ON)
    expect(fuses[FuseV1Options.EnableNodeOptionsEnvironmentVariable]).not.toBe(ON)
    expect(fuses[FuseV1Options.OnlyLoadAppFromAsar]).toBe(ON)
  })
})
