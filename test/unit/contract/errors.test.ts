import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dispatch } from '../../../app/contract-dispatch.ts'
import {
  AppError,
  engineCalls,
  ERROR_STATUS,
  fromErrorShape,
  toErrorShape,
} from '../../../app/contract/index.ts'
import type { EngineHandlers } from '../../../app/contract/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { VERSION } from '../../../app/version.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('the error catalogue', () => {
  it('is documented code by code, with its HTTP status', () => {
    const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(
      ([, code, status]) => [code, Number(status)],
    )
    expect(Object.fromEntries(documented)).toEqual(ERROR_STATUS)
    expect(documented).toHaveLength(Object.keys(ERROR_STATUS).length)
  })

  it('keeps code, words and hint across a boundary', () => {
    const error = new AppError('DISK_FULL', 'No room.', { hint: 'Make some.', details: { free: 1 } })
    expect(fromErrorShape(toErrorShape(error))).toMatchObject({
      code: 'DISK_FULL',
      message: 'No room.',
      hint: 'Make some.',
      details: { free: 1 },
    })
  })

  it('lets nothing of a bug leak', () => {
    const shape = toErrorShape(new TypeError('cannot read /home/ana/secret.txt'))
    expect(shape.code).toBe('INTERNAL')
    expect(JSON.stringify(shape)).not.toContain('ana')
  })
})

describe('the edge of the engine', () => {
  const handlers = {
    'library.list': async (args: unknown) => args,
    'seeding.pause': async () => {
      throw new AppError('UNAVAILABLE', 'Not now.')
    },
    'seeding.resume': async () => {
      throw new TypeError('a bug')
    },
    // Only what these tests call.
  } as unknown as EngineHandlers

  it('fills in defaults before a handler sees the arguments', async () => {
    expect(await dispatch(handlers, 'library.list', {}, silentLog)).toEqual({
      ok: true,
      value: { offset: 0, limit: 100, filter: 'all', sort: 'added', direction: 'desc' },
    })
  })

  it.each([
    ['library.list', { limit: 0 }, 'BAD_REQUEST'],
    ['library.list', { unknown: 1 }, 'BAD_REQUEST'],
    ['library.list', null, 'BAD_REQUEST'],
    ['constructor', {}, 'NOT_FOUND'],
    ['__proto__', {}, 'NOT_FOUND'],
    ['no.such', {}, 'NOT_FOUND'],
    ['seeding.pause', {}, 'UNAVAILABLE'],
    ['seeding.resume', {}, 'INTERNAL'],
  ])('answers %s with %j by %s, never by throwing', async (name, args, code) => {
    expect(await dispatch(handlers, name, args, silentLog)).toMatchObject({ ok: false, error: { code } })
  })

  it('names every call in the form the preload lets through', () => {
    for (const name of Object.keys(engineCalls)) expect(name).toMatch(/^[a-z]+\.[a-zA-Z]+$/)
  })
})

it('the version in the code is the package’s', () => {
  expect(JSON.parse(read('package.json'))).toMatchObject({ version: VERSION })
})
