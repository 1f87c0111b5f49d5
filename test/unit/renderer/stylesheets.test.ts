import { glob, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const rendererDir = join(import.meta.dirname, '../../../renderer')

async function filesOf(pattern: string): Promise<Map<string, string>> {
  const paths: string[] = []
  for await (const path of glob(pattern, { cwd: rendererDir })) paths.push(path)
  const texts = await Promise.all(paths.map((path) => readFile(join(rendererDir, path), 'utf8')))
  return new Map(paths.map((path, i) => [path, texts[i] ?? '']))
}

/** Class names a component asks `cx(…)` for; parts that are values, not literals, are not seen. */
function namesAsked(source: string): string[] {
  return [...source.matchAll(/\bcx\(([^()]*(?:\([^()]*\)[^()]*)*)\)/g)].flatMap(([, inside = '']) =>
    [...inside.replaceAll(/[!=]== '[^']*'/g, '').matchAll(/'([a-zA-Z]+)'/g)].map(([, name = '']) => name),
  )
}

describe('stylesheets', () => {
  it('have every class a component asks for', async () => {
    const sheets = await filesOf('**/*.module.css')
    const missing: string[] = []
    let asked = 0
    for (const [path, source] of await filesOf('**/*.tsx')) {
      const own = [...source.matchAll(/from '(\.[^']+\.module\.css)'/g)]
      if (own.length === 0) continue
      const css = own.map(([, sheet = '']) => sheets.get(join(dirname(path), sheet)) ?? '').join('\n')
      for (const name of namesAsked(source)) {
        asked += 1
        if (!new RegExp(`\\.${name}\\b`).test(css)) missing.push(`${path}: ${name}`)
      }
    }
    expect(asked).toBeGreaterThan(200)
    expect(missing).toEqual([])
  })

  it('name no colour outside the tokens', async () => {
    const literals: string[] = []
    for (const [path, css] of await filesOf('**/*.css')) {
      if (path.endsWith('tokens.css')) continue
      for (const [literal] of css.matchAll(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(/gi)) {
        // A mask and the bars around a film are black by nature.
        if (literal !== '#000') literals.push(`${path}: ${literal}`)
      }
    }
    expect(literals).toEqual([])
  })

  it('use no physical directions, so that right-to-left works', async () => {
    const physical: string[] = []
    for (const [path, css] of await filesOf('**/*.css')) {
      for (const [, property = ''] of css.matchAll(
        /^\s*((?:margin|padding|border)-(?:left|right|top|bottom)\b[^:]*|left|right|text-align:\s*(?:left|right))/gm,
      )) {
        physical.push(`${path}: ${property}`)
      }
    }
    expect(physical).toEqual([])
  })
})
