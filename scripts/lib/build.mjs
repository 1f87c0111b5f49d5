import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { giveUp, projectRoot, say } from './project.mjs'

/**
 * One thing that is built.
 * @typedef {object} Part
 * @property {string} name also the folder under out/
 * @property {readonly string[]} sources folders and files whose change makes it stale
 * @property {() => Record<string, string>} entries output name → source file
 * @property {(entries: Record<string, string>) => import('vite').InlineConfig} config
 */

const outFolder = path.join(projectRoot, 'out')

/** @type {readonly Part[]} */
const parts = [
  {
    name: 'main',
    sources: ['main', 'app/contract'],
    entries: () => ({ index: 'main/index.ts' }),
    config: (entries) => ({ ...nodeBuild('main', entries, 'index.js', 'node20'), ssr: { noExternal: true } }),
  },
  {
    name: 'preload',
    sources: ['preload', 'app/contract'],
    entries: () => ({ index: 'preload/index.ts' }),
    config: preloadBuild,
  },
  {
    name: 'engine',
    sources: ['app'],
    entries: engineEntries,
    config: (entries) => nodeBuild('engine', entries, '[name].js', 'node22'),
  },
  {
    name: 'renderer',
    sources: ['renderer', 'app/contract', 'resources'],
    entries: () => ({ index: 'renderer/index.html' }),
    config: rendererBuild,
  },
]

/**
 * Builds whatever changed since it was last built.
 * @param {{ isForced?: boolean }} [options]
 * @returns {Promise<boolean>} whether every part is there; a part without its source file is named and left out
 */
export async function build(options = {}) {
  let isComplete = true
  for (const part of parts) {
    const entries = part.entries()
    const lacking = Object.values(entries).filter((file) => !fs.existsSync(path.join(projectRoot, file)))
    if (lacking.length > 0) {
      say(`not built: ${part.name} (${lacking.join(', ')} does not exist)`)
      isComplete = false
      continue
    }
    const stampFile = path.join(outFolder, '.stamps', part.name)
    const stamp = fingerprint([...part.sources, 'package-lock.json', 'scripts/lib/build.mjs'])
    const isFresh = fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp
    if (isFresh && !options.isForced) continue
    fs.rmSync(stampFile, { force: true })
    const startedMs = performance.now()
    try {
      await buildPart(part, entries)
    } catch (error) {
      giveUp(`${part.name} could not be built: ${error instanceof Error ? error.message : String(error)}`)
    }
    fs.mkdirSync(path.dirname(stampFile), { recursive: true })
    fs.writeFileSync(stampFile, stamp)
    say(`built ${part.name} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  }
  return isComplete
}

/**
 * @param {Part} part
 * @param {Record<string, string>} entries
 */
async function buildPart(part, entries) {
  // Here and not at the top: the first start reads this file before node_modules exists.
  const vite = await import('vite')
  await vite.build({
    configFile: false,
    root: projectRoot,
    logLevel: 'warn',
    envDir: false,
    publicDir: false,
    ...part.config(entries),
  })
}

/** The engine's process and every worker it starts; flat, so that a worker lies beside whoever starts it. */
function engineEntries() {
  /** @type {Record<string, string>} */
  const entries = { 'engine-process': 'app/engine-process.ts' }
  for (const file of filesUnder('app').filter((name) => /-(worker|process)\.ts$/.test(name))) {
    entries[path.basename(file, '.ts')] = file
  }
  return entries
}

/**
 * ES modules for Node, with everything from node_modules left where it is. (Not so for main, whose few packages go
 * into its one file: it starts sooner, and all of it lies in the archive.)
 * @param {string} name
 * @param {Record<string, string>} entries
 * @param {string} entryFileNames
 * @param {string} target
 * @returns {import('vite').InlineConfig}
 */
function nodeBuild(name, entries, entryFileNames, target) {
  return {
    build: {
      ssr: true,
      target,
      outDir: path.join(outFolder, name),
      emptyOutDir: true,
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: entries,
        external: ['electron', /^electron\//],
        output: { format: 'es', entryFileNames, chunkFileNames: '[name]-[hash].js' },
      },
    },
  }
}

/**
 * One CommonJS file: the sandbox loads no modules and no second file.
 * @param {Record<string, string>} entries
 * @returns {import('vite').InlineConfig}
 */
function preloadBuild(entries) {
  return {
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'chrome130',
      outDir: path.join(outFolder, 'preload'),
      emptyOutDir: true,
      minify: false,
      sourcemap: false,
      rolldownOptions: {
        input: entries,
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: 'index.cjs', codeSplitting: false },
      },
    },
  }
}

/**
 * The page, fit for `default-src 'none'; script-src 'self'; style-src 'self'`: nothing inline, nothing as a data: URI.
 * @param {Record<string, string>} entries
 * @returns {import('vite').InlineConfig}
 */
function rendererBuild(entries) {
  return {
    root: path.join(projectRoot, 'renderer'),
    base: './',
    plugins: [reactPlugin()],
    build: {
      target: 'chrome130',
      outDir: path.join(outFolder, 'renderer'),
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      sourcemap: false,
      reportCompressedSize: false,
      rolldownOptions: { input: path.join(projectRoot, entries['index'] ?? '') },
    },
  }
}

async function reactPlugin() {
  const { default: react } = await import('@vitejs/plugin-react')
  return react()
}

/**
 * What the sources look like now. Lists names too, so that a removed file counts as a change.
 * @param {readonly string[]} sources
 */
function fingerprint(sources) {
  const hash = createHash('sha256')
  for (const file of sources.flatMap(filesUnder)) {
    const { size, mtimeMs } = fs.statSync(path.join(projectRoot, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/**
 * @param {string} source a file or folder, relative to the checkout
 * @returns {string[]} files, relative to the checkout, sorted
 */
function filesUnder(source) {
  const absolute = path.join(projectRoot, source)
  if (!fs.existsSync(absolute)) return []
  if (fs.statSync(absolute).isFile()) return [source]
  return fs
    .readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(projectRoot, path.join(entry.parentPath, entry.name)))
    .sort()
}
