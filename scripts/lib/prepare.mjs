import { ensureDebianPackages } from './debian.mjs'
import { continueUnderPinnedNode, ensureDependencies } from './dependencies.mjs'

/**
 * What every script does first, straight after `git clone` or years later: node_modules, the pinned Node (this script
 * goes on under it), Debian packages. Says one line for whatever it had to do, none when all is there.
 * @param {Parameters<typeof ensureDebianPackages>[0]} [purpose] which Debian packages; none when left out
 * @returns {Promise<string[]>} the Debian packages that could not be had
 */
export async function prepare(purpose) {
  ensureDependencies()
  await continueUnderPinnedNode()
  return purpose === undefined ? [] : ensureDebianPackages(purpose)
}
