/* Run as a process of its own: makes files and folders where there are no folders yet. */
import path from 'node:path'
import { writeFileAtomic } from '../../../app/atomic-file.ts'
import { manifestFor, openLibrary } from '../../integration/library/fixture.ts'

const [root = ''] = process.argv.slice(2)
writeFileAtomic(path.join(root, 'a', 'b', 'c', 'secret'), 'kept')
const node = await openLibrary({
  dataDir: path.join(root, 'data', 'of', 'mine'),
  mediaDir: path.join(root, 'media'),
})
await node.add({ data: 'one' })
await node.folder.moveAside(path.join(root, 'media', manifestFor({ data: 'one' }).manifest.id), 'one')
await node.close()
