import { once } from 'node:events'
import { openFetchNode } from './fetch-node.ts'
import { sha256Of } from './sample-torrent.ts'

interface Orders {
  readonly root: string
  readonly gets: readonly {
    readonly mediaId: string
    readonly link: string
    readonly from: readonly string[]
  }[]
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

// A node that fetches one item after the other until it has all or is killed. First it looks at what it says it has.
const { root, gets } = JSON.parse(process.argv[2] ?? '{}') as Orders // written by the test that starts this
// Loading takes longer than living: it is done ahead, and the life begins with a word on stdin.
say('loaded')
await once(process.stdin, 'data')
process.stdin.unref()
const node = await openFetchNode({ root })
for (const row of node.library.list({ limit: 500 }).rows) {
  const sha256 = await sha256Of(`${node.mediaDir}/${row.mediaId}/original`).catch(() => 'missing')
  if (row.fileState === 'ok' && sha256 !== row.mediaId) say(`bad ${row.mediaId} ${sha256}`)
}
say('running')
for (const { mediaId, link, from } of gets) {
  if (node.library.get(mediaId)?.fileState === 'ok') continue
  const id = await node.fetcher.begin({ link, from: [...from] })
  say(`begun ${mediaId}`)
  const transfer = await node.until(id, ({ state }) => state === 'done' || state === 'failed')
  if (transfer.state !== 'done') say(`failed ${JSON.stringify(transfer)}`)
}
await node.close()
say('all done')
