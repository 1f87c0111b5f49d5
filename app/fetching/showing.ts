import type { Transfer } from '../contract/index.ts'
import { cleanFileName } from '../ingest/index.ts'
import { accessLevelOf } from '../manifest/index.ts'
import type { KnownManifest } from './descriptions.ts'

/** What an encrypted item is called where its name can't be read. */
const SEALED_NAME = 'Encrypted item'

/** What the user sees of a download, by the manifest of its item. */
export function describedAs({ manifest, isEncrypted, sealed }: KnownManifest): Partial<Transfer> {
  const name = isEncrypted ? (sealed?.name ?? SEALED_NAME) : manifest.name
  return {
    accessLevel: accessLevelOf(manifest),
    ...(name === undefined ? {} : { name: cleanFileName(name) }),
  }
}

/** Whether a player could do something with it: what it is is known, and this node can read it. */
export function isMedia({ manifest, isEncrypted, opens, sealed }: KnownManifest): boolean {
  const mime = isEncrypted ? sealed?.mime : manifest.mime
  return opens === 'yes' && mime !== undefined && /^(video|audio|image)\//.test(mime)
}
