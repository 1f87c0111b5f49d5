import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// A gate that lets everything through looks exactly like one that has nothing to complain about. So each of them
// gets a small copy of the project with one violation of every kind, and must name it.

const root = path.resolve(import.meta.dirname, '../..')

/** What stands in every copy and must pass every gate. */
const soundFiles = {
  'app/contract/index.ts': `import { z } from 'zod'\n\nexport const Name = z.string()\nexport type Name = z.output<typeof Name>\n`,
  'app/library/store.ts': `export const store = new Map<string, number>()\n`,
  'app/library/index.ts': `export { store } from './store.ts'\n`,
  'app/seeding/index.ts': `import { store } from '../library/index.ts'\n\nexport const seeds = () => store.size\n`,
  'app/engine-process.ts': `import { hostname } from 'node:os'\nimport { Name } from './contract/index.ts'\nimport { seeds } from './seeding/index.ts'\n\nif (seeds() > 0) Name.parse(hostname())\n`,
  'main/index.ts': `import { app } from 'electron'\nimport { Name } from '../app/contract/index.ts'\n\nName.parse(app.name)\n`,
  'preload/index.ts': `import { contextBridge } from 'electron'\nimport type { Name } from '../app/contract/index.ts'\n\nconst name: Name = 'sower'\ncontextBridge.exposeInMainWorld('sower', { name })\n`,
  'renderer/main.tsx': `import type { Name } from '../app/contract/index.ts'\n\nconst name: Name = 'sower'\ndocument.title = name\n`,
  'scripts/nothing.mjs': `process.exitCode = 0\n`,
  'test/unit/nothing.test.ts': `import { it } from 'vitest'\n\nit('does nothing', () => undefined)\n`,
} as const

const layerBreaches: Readonly<Record<string, string>> = {
  'app/electron-in-engine.ts': `import { app } from 'electron'\nexport const name = app.name\n`,
  'app/react-in-engine.ts': `import { version } from 'react'\nexport const it = version\n`,
  'app/window-in-engine.ts': `import '../main/index.ts'\n`,
  'app/seeding/past-the-index.ts': `import { store } from '../library/store.ts'\nexport const size = store.size\n`,
  'app/past-the-index-from-above.ts': `import { store } from './library/store.ts'\nexport const size = store.size\n`,
  'app/contract/node-in-contract.ts': `import { sep } from 'node:path'\nexport const it = sep\n`,
  'app/contract/engine-in-contract.ts': `import { store } from '../library/index.ts'\nexport const it = store\n`,
  'main/engine-in-main.ts': `import { store } from '../app/library/index.ts'\nexport const it = store\n`,
  'main/renderer-in-main.ts': `import '../renderer/main.tsx'\n`,
  'preload/node-in-preload.ts': `import { sep } from 'node:path'\nexport const it = sep\n`,
  'preload/contract-by-value.ts': `import { Name } from '../app/contract/index.ts'\nexport const it = Name\n`,
  'renderer/app-in-renderer.ts': `import { store } from '../app/library/index.ts'\nexport const it = store\n`,
  'renderer/node-in-renderer.ts': `import { sep } from 'node:path'\nexport const it = sep\n`,
  'renderer/electron-in-renderer.ts': `import { app } from 'electron'\nexport const it = app\n`,
}

const otherBreaches: Readonly<Record<string, { text: string; rule: string }>> = {
  'app/round.ts': {
    text: `import { b } from './trip.ts'\nexport const a = (): number => b()\n`,
    rule: 'import(no-cycle)',
  },
  'app/trip.ts': {
    text: `import { a } from './round.ts'\nexport const b = (): number => a()\n`,
    rule: 'import(no-cycle)',
  },
  'app/any.ts': {
    text: `export const f = (x: any): string => String(x)\n`,
    rule: 'typescript(no-explicit-any)',
  },
  'app/leak.ts': {
    text: `export const f = (): string => JSON.parse('""')\n`,
    rule: 'typescript(no-unsafe-return)',
  },
  'app/floating.ts': {
    text: `export function f(): void {\n  Promise.reject(new Error('lost'))\n}\n`,
    rule: 'typescript(no-floating-promises)',
  },
  'app/gap.ts': {
    text: `export function f(x: 'a' | 'b'): number {\n  let n = 0\n  switch (x) {\n    case 'a':\n      n = 1\n  }\n  return n\n}\n`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  'app/chatter.ts': { text: `console.log('here')\n`, rule: 'eslint(no-console)' },
  'app/endless.ts': { text: `export {}\n${'// more\n'.repeat(401)}`, rule: 'eslint(max-lines)' },
  'renderer/hook.tsx': {
    text: `import { useState } from 'react'\nexport function f(on: boolean): void {\n  if (on) useState(0)\n}\n`,
    rule: 'react-hooks(rules-of-hooks)',
  },
}

const compilerBreaches: Readonly<Record<string, string>> = {
  'app/page-in-engine.ts': `export const title = document.title\n`,
  'app/enum.ts': `export enum Colour {\n  red,\n}\n`,
  'app/unchecked-index.ts': `export const first = (list: string[]): string => list[0]\n`,
  'renderer/node-global.ts': `export const version = process.version\n`,
  'renderer/app-by-path.ts': `import { store } from '../app/library/index.ts'\nexport const it = store\n`,
  'preload/engine-by-path.ts': `import { store } from '../app/library/index.ts'\nexport const it = store\n`,
}

let folder = ''
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sower-gates-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

describe('the sound copy', () => {
  it('passes the compiler, the linter and the search for unused code', () => {
    const copy = makeCopy('sound', {})
    expect(run(copy, 'tsc', ['-b'])).toMatchObject({ status: 0 })
    expect(lint(copy)).toEqual([])
    expect(run(copy, 'knip', ['--exclude', 'dependencies,unlisted,binaries'])).toMatchObject({ status: 0 })
  }, 120_000)
})

describe('the linter', () => {
  it('refuses every import across a layer', () => {
    const found = lint(makeCopy('layers', layerBreaches))
    const stopped = found
      .filter(({ rule }) => rule === 'eslint(no-restricted-imports)')
      .map(({ file }) => file)
    expect([...new Set(stopped)].sort()).toEqual(Object.keys(layerBreaches).sort())
  }, 120_000)

  it('refuses cycles, leaks of any, lost promises, forgotten cases, chatter and endless files', () => {
    const texts = Object.fromEntries(Object.entries(otherBreaches).map(([file, { text }]) => [file, text]))
    const found = lint(makeCopy('rules', texts))
    const expected = Object.entries(otherBreaches).map(([file, { rule }]) => ({ file, rule }))
    expect(found).toEqual(expect.arrayContaining(expected))
  }, 120_000)
})

describe('the compiler', () => {
  it('refuses what a folder must not know', () => {
    const { status, output } = run(makeCopy('types', compilerBreaches), 'tsc', ['-b'])
    expect(status).not.toBe(0)
    for (const file of Object.keys(compilerBreaches)) expect(output).toContain(`${file}(`)
  }, 120_000)
})

describe('the other gates', () => {
  it('refuse unformatted and unused code', () => {
    const copy = makeCopy('tidiness', { 'app/forgotten.ts': `export const x = "1";\n` })
    expect(run(copy, 'prettier', ['--check', '.'])).toMatchObject({ status: 1 })
    expect(run(copy, 'knip', ['--include', 'files']).output).toContain('app/forgotten.ts')
  }, 120_000)
})

describe('the engine', () => {
  const imports = importsBetweenDomains()

  it('has no domain the layer rules do not know', () => {
    const rules = fs.readFileSync(path.join(root, '.oxlintrc.json'), 'utf8')
    for (const domain of imports.keys()) expect(rules).toContain(`"!**/${domain}/index.ts"`)
  })

  it('has no circle of domains, types included', () => {
    expect(findCircle(imports)).toBeUndefined()
  })
})

/** A project with our settings, our packages and little else. */
function makeCopy(name: string, files: Readonly<Record<string, string>>): string {
  const copy = path.join(folder, name)
  fs.mkdirSync(copy)
  const settings = ['.oxlintrc.json', '.prettierrc.json', '.prettierignore', 'knip.json', 'package.json']
  const projects = ['', 'app/contract/', 'app/', 'main/', 'preload/', 'renderer/', 'scripts/', 'test/']
  for (const file of [...settings, 'tsconfig.base.json', ...projects.map((at) => `${at}tsconfig.json`)]) {
    write(copy, file, fs.readFileSync(path.join(root, file), 'utf8'))
  }
  for (const [file, text] of Object.entries({ ...soundFiles, ...files })) write(copy, file, text)
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  return copy
}

function write(copy: string, file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
  fs.writeFileSync(path.join(copy, file), text)
}

function run(
  cwd: string,
  program: string,
  args: readonly string[],
): { status: number | null; output: string } {
  const file = path.join(root, 'node_modules', '.bin', program)
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
  return { status, output: stdout + stderr }
}

function lint(copy: string): { file: string; rule: string }[] {
  const { output } = run(copy, 'oxlint', ['--format', 'json'])
  // Oxlint's own format, pinned with its version.
  const { diagnostics } = JSON.parse(output) as { diagnostics: { code: string; filename: string }[] }
  return diagnostics.map(({ code, filename }) => ({ file: filename, rule: code }))
}

/** Which domain folder of the engine imports which others, read off the sources. */
function importsBetweenDomains(): Map<string, Set<string>> {
  const app = path.join(root, 'app')
  const domains = fs
    .readdirSync(app, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(app, entry.name, 'index.ts')))
    .map((entry) => entry.name)
    .filter((name) => name !== 'contract' && name !== 'ports')
  return new Map(domains.map((domain) => [domain, importsOf(path.join(app, domain), domains)]))
}

function importsOf(domainFolder: string, domains: readonly string[]): Set<string> {
  const imported = new Set<string>()
  for (const name of fs.readdirSync(domainFolder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const file = path.join(domainFolder, name)
    for (const [, target = ''] of fs.readFileSync(file, 'utf8').matchAll(/\bfrom '(\.\.?\/[^']+)'/g)) {
      const other = path.relative(path.dirname(domainFolder), path.resolve(path.dirname(file), target))
      const domain = other.split(path.sep)[0] ?? ''
      if (domains.includes(domain) && domain !== path.basename(domainFolder)) imported.add(domain)
    }
  }
  return imported
}

function findCircle(imports: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const cleared = new Set<string>()
  const visit = (domain: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(domain)) return [...trail.slice(trail.indexOf(domain)), domain]
    if (cleared.has(domain)) return undefined
    for (const next of imports.get(domain) ?? []) {
      const circle = visit(next, [...trail, domain])
      if (circle !== undefined) return circle
    }
    cleared.add(domain)
    return undefined
  }
  for (const domain of imports.keys()) {
    const circle = visit(domain, [])
    if (circle !== undefined) return circle
  }
  return undefined
}
