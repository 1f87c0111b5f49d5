import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Turns } from '../../app/fetching/turns.ts'

type Priority = 'high' | 'normal' | 'low'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function world() {
  const priorities = new Map<string, Priority>()
  const started: string[] = []
  const yielded: string[] = []
  const turns = new Turns({
    start: (id) => started.push(id) > 0,
    yieldTurn: (id) => yielded.push(id),
    priorityOf: (id) => priorities.get(id) ?? 'normal',
  })
  const add = (id: string, priority: Priority = 'normal') => {
    priorities.set(id, priority)
    turns.add(id)
  }
  return { turns, priorities, started, yielded, add }
}

describe('whose turn it is', () => {
  it('runs five at once; high ones come before those that waited longer', () => {
    const { add, turns, started } = world()
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) add(id)
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e'])
    add('urgent', 'high')
    turns.remove('a')
    expect(started.slice(5)).toEqual(['urgent'])
    turns.remove('b')
    expect(started.slice(6)).toEqual(['f'])
  })

  it('takes the turn of the least when one that comes before it waits', () => {
    const { add, turns, started, yielded } = world()
    for (const id of ['a', 'b', 'c', 'd', 'e']) add(id)
    add('urgent', 'high')
    expect(yielded).toEqual(['e'])
    turns.remove('e')
    expect(started.at(-1)).toBe('urgent')
    add('e')
    expect(yielded).toEqual(['e'])
    expect(started.at(-1)).toBe('urgent')
  })

  it('lets low ones run only while nothing else comes in', () => {
    const { add, turns, started, yielded } = world()
    add('low', 'low')
    expect(started).toEqual(['low'])
    add('film')
    expect(yielded).toEqual(['low'])
    turns.remove('low')
    add('low', 'low')
    expect(started).toEqual(['low', 'film'])
    turns.remove('film')
    expect(started).toEqual(['low', 'film', 'low'])
  })

  it('does not count those that nobody gives anything, until somebody does', () => {
    const { add, turns, started, yielded } = world()
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) add(id)
    vi.advanceTimersByTime(8_000)
    turns.gained('a')
    expect(started).toHaveLength(5)
    vi.advanceTimersByTime(4_000)
    expect(started.at(-1)).toBe('f')
    expect(yielded).toEqual([])
  })

  it('goes by a priority that was changed', () => {
    const { priorities, add, turns, yielded } = world()
    add('a')
    add('b')
    priorities.set('a', 'low')
    turns.settle()
    expect(yielded).toEqual(['a'])
  })
})
