import { join } from 'node:path'
import { z } from 'zod'
import { isErrno, readFileIfThere } from '../atomic-file.ts'

const NodeFile = z.looseObject({
  pid: z.int().positive(),
  url: z.string(),
  controlUrl: z.url({ protocol: /^http$/, hostname: /^(127\.0\.0\.1|\[::1\]|localhost)$/ }),
})

export interface RunningNode {
  readonly pid: number
  readonly controlUrl: string
  readonly controlToken: string
}

/** The node that runs on this data folder, as far as its files and its process say; it may be just gone. */
export function findRunningNode(dataDir: string): RunningNode | undefined {
  const bytes = readFileIfThere(join(dataDir, 'node.json'))
  if (bytes === undefined) return undefined
  try {
    const token = readFileIfThere(join(dataDir, 'control.token'))?.toString('utf8').trim()
    if (token === undefined || token === '') return undefined
    const { pid, controlUrl } = NodeFile.parse(JSON.parse(bytes.toString('utf8')))
    return isAlive(pid) ? { pid, controlUrl, controlToken: token } : undefined
  } catch {
    // Half a file of a node that died while writing it is no node.
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It runs, but belongs to somebody else.
    return isErrno(error, 'EPERM')
  }
}
