import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { newStandIn, standInSdk } from './lit-network.ts'
import type { LitStandIn } from './lit-network.ts'

const NETWORK = new URL('./lit-network.ts', import.meta.url).href

/**
 * A stand-in for Lit's SDK and network, on this machine alone: packages of the SDK's names in `dir`, which keep to the same
 * rules (encrypted under conditions and hash; given to who signs in with an address that fulfils them). In other processes than
 * this one it behaves as `stand-in.json` in `dir` says.
 */
export async function installLitStandIn(dir: string): Promise<LitStandIn> {
  const state = newStandIn()
  const handle = `sowerLitStandIn${Math.random()}`
  Object.assign(globalThis, { [handle]: standInSdk(state) })
  const file = JSON.stringify(path.join(dir, 'stand-in.json'))
  for (const name of ['lit-client', 'networks', 'auth']) {
    const folder = path.join(dir, 'node_modules', '@lit-protocol', name)
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name, main: 'index.mjs' }))
    await writeFile(
      path.join(folder, 'index.mjs'),
      `const here = globalThis[${JSON.stringify(handle)}]
const sdk = here ?? (await import(${JSON.stringify(NETWORK)})).standInSdkOf(${file})
export const { createLitClient, createAuthManager, naga } = sdk
`,
    )
  }
  return state
}

/** How the stand-in in `dir` behaves from now on in other processes. */
export async function setLitStandIn(
  dir: string,
  how: { readonly failure?: string; readonly delayMs?: number },
): Promise<void> {
  await writeFile(path.join(dir, 'stand-in.json'), JSON.stringify(how))
}
