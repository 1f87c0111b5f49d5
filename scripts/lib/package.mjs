import fs from 'node:fs'
import path from 'node:path'
import { projectRoot } from './project.mjs'

/**
 * Packages the built app with the given Electron.
 * @param {import('./electron-runtime.mjs').ElectronRuntime} runtime
 * @param {{ hasInstallers?: boolean, outputFolder?: string }} [options]
 *   installers: all targets of electron-builder.yml instead of the unpacked app; folder: absolute, `dist` by default
 * @returns {Promise<string>} the folder everything was written to
 */
export async function packageApp(runtime, options = {}) {
  const { build, Platform } = await import('electron-builder')
  const output = options.outputFolder ?? path.join(projectRoot, 'dist')
  const platform = Platform.current()
  await build({
    projectDir: projectRoot,
    targets: options.hasInstallers ? platform.createTarget() : platform.createTarget('dir'),
    publish: 'never',
    config: {
      directories: { output },
      electronVersion: runtime.version,
      electronDist: runtime.folder,
      ...(runtime.isFallback && fallbackConfig()),
    },
  })
  return output
}

/**
 * What the npm-hosted runtime needs besides. Such a package is for trying and testing on this machine: its engine
 * runs on the Node named by SOWER_NODE.
 * @returns {import('electron-builder').Configuration}
 */
function fallbackConfig() {
  return {
    // Tests attach through it. The other fuses are set as in a release.
    electronFuses: { enableNodeCliInspectArguments: true },
    // The runtime brings a loader in the place where a package has no business having an app.
    afterExtract: ({ appOutDir }) =>
      fs.promises.rm(path.join(appOutDir, 'resources', 'app'), { recursive: true, force: true }),
  }
}
