import fs from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { openFetchNode, type FetchNode } from '../../support/fetch-node.ts'
import { makeSample, sha256Of, type SampleTorrent } from '../../support/sample-torrent.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { startWebNode, type WebNode, type WebNodeOptions } from '../../support/web-node.ts'

const MIB = 1024 * 1024

export interface Fetching {
  /** Whatever else is to end with the test. */
  readonly stack: AsyncDisposableStack
  readonly dir: TempDir
  /** What there is to get. */
  readonly sample: SampleTorrent
  readonly openNode: (options?: Partial<Parameters<typeof openFetchNode>[0]>) => Promise<FetchNode>
  /** A web server that has the sample. */
  readonly web: (options?: WebNodeOptions) => Promise<WebNode>
  /** The node holds the sample and nothing else of it. */
  readonly expectStored: (node: FetchNode) => Promise<void>
}

/** One file to get, and what it takes to get it; all of it ends with the test. */
export async function setUpFetching({ sizeBytes = 3 * MIB + 12_345 } = {}): Promise<Fetching> {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const dir = stack.use(await tempDir())
  const sample = await makeSample({ dir: dir.path, sizeBytes, name: 'a film.bin' })
  return {
    stack,
    dir,
    sample,
    openNode: async (options = {}) => {
      const root = await fs.mkdtemp(path.join(dir.path, 'node-'))
      return stack.use(await openFetchNode({ root, ...options }))
    },
    web: async (options) => stack.use(await startWebNode(sample, options)),
    expectStored: async (node) => {
      const folder = path.join(node.mediaDir, sample.mediaId)
      expect(await sha256Of(path.join(folder, 'original'))).toBe(sample.mediaId)
      expect(node.library.get(sample.mediaId)).toMatchObject({
        fileState: 'ok',
        sizeBytes: sample.sizeBytes,
      })
      expect(await node.incoming()).toEqual([])
      expect(await fs.readdir(folder)).not.toContain('plain')
    },
  }
}
