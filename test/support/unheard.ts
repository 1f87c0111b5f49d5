import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whatever a test asked of its nodes, none of them may have come to rest in its last net.
 * @param dir a data folder, or a folder with several somewhere below
 * @throws with what nobody waited for
 */
export function expectAllHeard(dir: string): void {
  const lines = globSync('**/logs/sower.log*', { cwd: dir }).flatMap((file) =>
    readFileSync(join(dir, file), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"engine.unheard"')),
  )
  if (lines.length > 0) throw new Error(`an error that nobody waited for: ${lines.join('\n')}`)
}
