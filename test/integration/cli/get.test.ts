import { expect, it } from 'vitest'
import { callNode, runSower, serveNode } from '../../support/sower.ts'
import { tempDir } from '../../support/temp-dir.ts'

const LINK = `magnet:?xt=urn:btih:${'ab'.repeat(20)}`

it(
  'a get that does not wait ends, although the window waits for the same item for ever',
  { timeout: 150_000 },
  async () => {
    await using dir = await tempDir()
    await using node = await serveNode(dir.file('data'), [])
    const { transferId } = await callNode(node, 'fetching.start', { link: LINK, from: ['127.0.0.1:9'] })
    const { status, stderr } = await runSower(node.dataDir, ['get', LINK, '--json'], {}, 120_000)
    expect(status).toBe(1)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ code: 'NO_SOURCES' })
    const { transfers } = await callNode(node, 'transfers.list', {})
    expect(transfers).toMatchObject([{ id: transferId, state: 'active' }])
  },
)
