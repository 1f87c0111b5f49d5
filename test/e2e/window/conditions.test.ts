import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ethereumAddress } from '../../../app/vault/envelope/lit-sdk.ts'
import { openDesktop, type Desktop } from '../../support/desktop.ts'
import { installLitStandIn, setLitStandIn } from '../../support/lit-stand-in.ts'
import { serveNode, sowerJson, type SowerNode } from '../../support/sower.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { makeShortVideo } from '../../support/video.ts'

// The real window and engine, and a node that shares with it under conditions; the Lit network is a stand-in on this machine.

let stack: AsyncDisposableStack
let dir: TempDir
let owner: SowerNode
let desktop: Desktop
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = stack.use(await tempDir())
  for (const data of ['owner', 'window']) {
    mkdirSync(dir.file(data))
    await installLitStandIn(join(dir.file(data), 'lit'))
  }
  owner = stack.use(await serveNode(dir.file('owner'), []))
  writeFileSync(dir.file('passphrase'), 'a wallet without a keychain\n', { mode: 0o600 })
  const env = { SOWER_PASSPHRASE_FILE: dir.file('passphrase') }
  desktop = stack.use(await openDesktop({ dataDir: dir.file('window'), env }))
  await desktop.page.getByText('Nothing sown yet').waitFor()
})
afterEach(() => stack.disposeAsync())

/** Shares a film with the wallet of the window alone, and has the window keep it. */
async function shareWithWindow(): Promise<void> {
  const film = dir.file('for holders.webm')
  await makeShortVideo(film, 3)
  const record = join(dir.file('window'), 'wallet.json')
  // A first start makes it beside everything else.
  await expect.poll(() => existsSync(record), { timeout: 30_000 }).toBe(true)
  const wallet = JSON.parse(readFileSync(record, 'utf8')) as { owner: string }
  const address = ethereumAddress(wallet.owner)
  writeFileSync(dir.file('rule.json'), JSON.stringify({ kind: 'wallet', chain: 'ethereum', address }))
  const { mediaId } = await sowerJson<{ mediaId: string }>(owner.dataDir, ['add', film, '--encrypt'])
  const shared = ['share', mediaId, '--conditions', dir.file('rule.json')]
  const { link } = await sowerJson<{ link: string }>(owner.dataDir, shared)
  await sowerJson(dir.file('window'), ['get', link, '--from', `127.0.0.1:${owner.peerPort}`])
}

describe('an item shared under conditions, in the window', () => {
  it('is opened by asking Lit, which may be away at first, and then plays', async () => {
    const { page } = desktop
    const lit = join(dir.file('window'), 'lit')
    await setLitStandIn(lit, { failure: 'no route to the network', delayMs: 500 })
    await shareWithWindow()
    const row = page.getByRole('row', { name: /Encrypted item/ })
    await row.click()
    await page.keyboard.press('Space')
    const inspector = page.getByRole('complementary', { name: 'Inspector' })
    const ask = inspector.getByRole('button', { name: 'Open with Lit' })
    await ask.click()
    await inspector.getByText('Asking the Lit network.').waitFor()
    await inspector
      .getByRole('alert')
      .getByText(/Lit network could not be reached/)
      .waitFor()
    await inspector.getByRole('tab', { name: 'People' }).click()
    await inspector.getByText(/^the wallet 0x\w{6}…\w{4} on ethereum$/).waitFor()
    await inspector.getByRole('tab', { name: 'Overview' }).click()

    await setLitStandIn(lit, { delayMs: 500 })
    await inspector.getByRole('button', { name: 'Open with Lit' }).click()
    await page.getByText(/for holders\.webm.* can be read now/).waitFor()
    await page.getByRole('row', { name: /for holders\.webm\p{Cf}?, Encrypted, you can read it/u }).waitFor()
    const video = page.locator('video')
    await expect.poll(() => video.evaluate((player: HTMLVideoElement) => player.videoWidth)).toBe(320)
    await inspector.getByRole('button', { name: 'Save a copy…' }).waitFor()
    expect(await inspector.getByRole('button', { name: 'Copy link with key…' }).count()).toBe(0)
    await inspector.getByRole('button', { name: 'Copy address for a player' }).click()
    const address = await page.getByText(/It works on this computer until/).textContent()
    expect(address).toMatch(/until .*\d:\d\d/)
  })
})
