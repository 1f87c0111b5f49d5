import { expect, test } from 'vitest'
import { Closers } from '../../../app/closing.ts'
import { silentLog } from '../../../app/ports/log.ts'

test('ends every part, last first, whatever one of them throws or however long it takes', async () => {
  const ended: string[] = []
  const said: string[] = []
  const log = {
    ...silentLog,
    error: (event: string) => void said.push(event),
    warn: (event: string) => void said.push(event),
  }
  const startedAtMs = performance.now()
  const closers = new Closers(() => log, 200)
  closers.add(
    () => void ended.push('database'),
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      ended.push('library')
    },
    () => new Promise<void>(() => ended.push('network')),
    () => {
      ended.push('http')
      throw new Error('in use')
    },
  )
  await closers.close()
  expect(ended).toEqual(['http', 'network', 'library', 'database'])
  expect(said).toEqual(['engine.stop-failed', 'engine.stop-late'])
  expect(performance.now() - startedAtMs).toBeLessThan(1_000)
})

test('what was started too late is ended at once, and whoever starts it is told', async () => {
  const ended: string[] = []
  const closers = new Closers(() => silentLog, 200)
  const closing = closers.close()
  expect(() => closers.add(() => void ended.push('late'))).toThrow('was stopped')
  await Promise.all([closing, closers.close()])
  expect(ended).toEqual(['late'])
})
