import { afterEach, expect, onTestFinished, test } from 'vitest'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { canMount, fillDrive, mountDrive } from '../../support/small-drive.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

const owner = testSigner(1)
let world: NetworkWorld
afterEach(() => world.close())

test.runIf(canMount)(
  'a manifest heard while the disk is full costs that manifest, until there is room',
  async () => {
    world = await openNetworkWorld()
    const dir = await tempDir()
    onTestFinished(() => dir[Symbol.asyncDispose]())
    const small = dir.file('small')
    mountDrive(small, 16)
    const [node, publisher] = await Promise.all([world.node('a', { dir: small }), world.node('b')])
    const known = makeManifest(owner, 'before')
    await publisher.publish(known)
    await poll(
      () => node.lookup(known.id),
      (found) => found.known !== undefined,
    )
    const makeRoom = fillDrive(small)
    const manifests = Array.from({ length: 5 }, (_, n) => makeManifest(owner, `heard ${n}`))
    for (const manifest of manifests) await publisher.publish(manifest)
    await poll(
      () => Promise.resolve(node.log),
      (log) => log.some((line) => line.includes('DISK_FULL')),
    )
    // What was known is still told, and the same trouble is said once, not with every message.
    expect((await node.feed()).items.map(({ manifest }) => manifest)).toEqual([known])
    expect(node.log.filter((line) => line.includes('"work":"heard"'))).toHaveLength(1)
    // Whoever asks is told what is known, and what is true of the others, of which nothing can be kept.
    expect((await node.lookup(known.id)).known?.manifest).toEqual(known)
    for (const manifest of manifests) {
      const found = await node.lookup(manifest.id)
      expect([found.known?.manifest, found.heard, found.isUnkept]).toEqual([manifest, 'said', true])
    }
    makeRoom()
    for (const manifest of manifests) {
      const { known: found } = await poll(
        () => node.lookup(manifest.id),
        (lookup) => !lookup.isUnkept,
      )
      expect(found?.manifest).toEqual(manifest)
    }
    expect((await node.feed()).items).toHaveLength(manifests.length + 1)
  },
)
