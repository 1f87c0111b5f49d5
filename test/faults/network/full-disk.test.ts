import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { makeManifest } from '../../support/network-items.ts'
import { openNetworkWorld, poll, type NetworkWorld } from '../../support/network-world.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { testSigner } from '../../unit/manifest/owner.ts'

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const owner = testSigner(1)
let world: NetworkWorld
afterEach(() => world.close())

/** A small drive, its folder, and how to fill and empty it. */
async function mountSmall(): Promise<{ dir: string; fill: () => Promise<void>; free: () => Promise<void> }> {
  const parent = await tempDir()
  onTestFinished(() => parent[Symbol.asyncDispose]())
  const dir = parent.file('small')
  await fs.mkdir(dir)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dir])
  onTestFinished(() => void execFileSync('umount', ['-l', dir]))
  const other = path.join(dir, 'other')
  return {
    dir,
    fill: async () => {
      const file = await fs.open(other, 'w')
      try {
        for (;;) await file.write(Buffer.alloc(4096))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    free: () => fs.rm(other),
  }
}

test.runIf(isRoot)(
  'a manifest heard while the disk is full costs that manifest, until there is room',
  async () => {
    world = await openNetworkWorld()
    const small = await mountSmall()
    const [node, publisher] = await Promise.all([world.node('a', { dir: small.dir }), world.node('b')])
    const known = makeManifest(owner, 'before')
    await publisher.publish(known)
    await poll(
      () => node.lookup(known.id),
      (found) => found.known !== undefined,
    )
    await small.fill()
    const manifests = Array.from({ length: 5 }, (_, n) => makeManifest(owner, `heard ${n}`))
    for (const manifest of manifests) await publisher.publish(manifest)
    await poll(
      () => Promise.resolve(node.log),
      (log) => log.some((line) => line.includes('DISK_FULL')),
    )
    // What was known is still told, and the same trouble is said once, not with every message.
    expect((await node.feed()).items.map(({ manifest }) => manifest)).toEqual([known])
    expect(node.log.filter((line) => line.includes('"work":"heard"'))).toHaveLength(1)
    await small.free()
    for (const manifest of manifests) {
      const { known: found } = await poll(
        () => node.lookup(manifest.id),
        (lookup) => lookup.known !== undefined,
      )
      expect(found?.manifest).toEqual(manifest)
    }
  },
)
