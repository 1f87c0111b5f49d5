export type HostKind = 'utility' | 'child'

/** better-sqlite3 needs Node-API 10, which came with this version of Node. */
const OLDEST_NODE_MAJOR = 22

/**
 * How the engine is hosted: in Electron's own Node where that is new enough (every released build); in an external Node named by
 * `SOWER_NODE` only where Electron's is too old, so that the variable can't matter in a real build.
 */
export function chooseHostKind(electronNodeVersion: string, externalNode: string | undefined): HostKind {
  const major = Number.parseInt(electronNodeVersion, 10)
  return major < OLDEST_NODE_MAJOR && externalNode !== undefined && externalNode !== '' ? 'child' : 'utility'
}
