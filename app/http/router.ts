import { AppError } from '../contract/index.ts'
import { HttpProblem } from './exchange.ts'
import type { Exchange } from './exchange.ts'

type Answer = (exchange: Exchange, parameter: string) => Promise<void> | void

export interface Route {
  readonly method: 'GET' | 'POST'
  /** A path with at most one `:parameter`, which stands for one whole segment. */
  readonly path: string
  readonly answer: Answer
}

interface Compiled extends Route {
  readonly before: string
  readonly after: string
  readonly hasParameter: boolean
}

/** Finds the route of a path by comparing text: no decoding, no normalising, nothing two readers could see differently. */
export class Router {
  readonly #routes: readonly Compiled[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => {
      const [before = '', after = ''] = route.path.split(/:[a-zA-Z]+/)
      return { ...route, before, after, hasParameter: route.path.includes(':') }
    })
  }

  /**
   * GET routes answer HEAD too.
   * @throws {AppError} `NOT_FOUND`; 405 with `Allow` for a known path and another method
   */
  async answer(exchange: Exchange): Promise<void> {
    const allowed = new Set<string>()
    for (const route of this.#routes) {
      const parameter = matchPath(route, exchange.path)
      if (parameter === undefined) continue
      if (route.method === exchange.method || (route.method === 'GET' && exchange.method === 'HEAD')) {
        await route.answer(exchange, parameter)
        return
      }
      for (const method of route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]) allowed.add(method)
    }
    if (allowed.size === 0) throw new AppError('NOT_FOUND', 'There is nothing at this address.')
    const allow = [...allowed].join(', ')
    throw new HttpProblem(new AppError('BAD_REQUEST', `This address takes ${allow} only.`), {
      status: 405,
      headers: { allow },
    })
  }
}

/** The parameter's text (empty for a path without one), `undefined` when the path is another. */
function matchPath({ path, before, after, hasParameter }: Compiled, actual: string): string | undefined {
  if (!hasParameter) return actual === path ? '' : undefined
  if (actual.length <= before.length + after.length) return undefined
  if (!actual.startsWith(before) || !actual.endsWith(after)) return undefined
  const parameter = actual.slice(before.length, actual.length - after.length)
  return parameter.includes('/') ? undefined : parameter
}
