import fs from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { openMovable } from '../support/wallet-move.ts'
import type { Better } from '../support/wallet-move.ts'
import { buildShim, readCalls, runWithFaults } from './shim/file-faults.ts'

const script = fileURLToPath(new URL('../support/wallet-move.ts', import.meta.url))

/** A wallet under a key file. @returns its words and its owner */
async function prepare(root: string): Promise<{ words: string; owner: string | null }> {
  await fs.mkdir(path.join(root, 'data'), { recursive: true })
  const vault = await openMovable(root, 'nothing')
  expect(vault.status().storage).toBe('keyfile')
  const words = (await vault.reveal()).words.join(' ')
  await vault.restore({ from: 'words', words, passphrase: '' }, false)
  const owner = vault.owner()
  vault.close()
  return { words, owner }
}

/** The wallet opens, and where it is said to have left its key file, nothing that could be read without more is left. */
async function inspect(root: string, better: Better, owner: string | null, context: string): Promise<string> {
  const vault = await openMovable(root, better)
  const { state, storage } = vault.status()
  expect([state, vault.owner()], context).toEqual(['ready', owner])
  vault.close()
  const names = await fs.readdir(path.join(root, 'data'))
  if (storage !== 'keyfile') {
    expect(names, context).not.toContain('wallet.key')
    expect(names, context).not.toContain('wallet.enc.old')
    if (storage === 'keychain') expect(names, context).not.toContain('wallet.enc')
    const record = await fs.readFile(path.join(root, 'data', 'wallet.json'), 'utf8')
    expect(Object.keys(JSON.parse(record) as object), context).not.toContain('old')
  }
  return storage ?? ''
}

it.each(['passphrase', 'keychain'] as const)(
  'a wallet that leaves its key file for a %s leaves nothing of it behind, wherever it is killed',
  async (better) => {
    await using dir = await tempDir()
    const shim = await buildShim(dir.path)
    const log = dir.file('calls')
    const first = dir.file('undisturbed')
    const undisturbed = await prepare(first)
    const whole = await runWithFaults(shim, { dir: first, log }, [script, first, better, undisturbed.words])
    expect(whole, whole.stderr).toMatchObject({ code: 0, stdout: better })
    await inspect(first, better, undisturbed.owner, 'undisturbed')
    const calls = await readCalls(log)
    const found = new Set<string>()
    for (let at = 1; at <= calls.length; at += 1) {
      const root = dir.file(`run-${at}`)
      const { words, owner } = await prepare(root)
      const { code } = await runWithFaults(shim, { dir: root, at }, [script, root, better, words])
      expect(code).toBe(null)
      found.add(
        await inspect(root, better, owner, `killed at call ${at} of ${calls.length}: ${calls[at - 1]}`),
      )
    }
    expect(found).toEqual(new Set(['keyfile', better]))
  },
)
