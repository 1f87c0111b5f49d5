/* Run as a process of its own: uses a library the way a node does and says on stdout what it was told is done. */
import fs from 'node:fs'
import path from 'node:path'
import { AppError } from '../../../app/contract/index.ts'
import { manifestFor, openLibrary } from '../../integration/library/fixture.ts'

const [root = '', ...texts] = process.argv.slice(2)
const say = (line: string): void => {
  fs.writeSync(1, `${line}\n`)
}

async function attempt(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    say(what)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    say(`refused ${error.code} ${what}`)
  }
}

const { add, library, close } = await openLibrary({
  dataDir: path.join(root, 'data'),
  mediaDir: path.join(root, 'media'),
})
for (const data of texts) await attempt(`added ${data}`, () => add({ data }))

const [first] = library.list({ direction: 'asc' }).rows
if (first !== undefined) {
  await attempt(`versioned ${first.mediaId}`, async () => {
    const data = fs.readFileSync(path.join(root, 'media', first.mediaId, 'original'))
    const next = manifestFor({ data, name: 'second version' }, await library.manifest(first.mediaId))
    await library.addManifestVersion(first.mediaId, next.manifest, next.metainfo)
  })
  await attempt(`removed ${first.mediaId}`, () => library.remove([first.mediaId]))
  await attempt(`restored ${first.mediaId}`, () => library.restore([first.mediaId]))
}
await close()
say('closed')
