import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MediaId } from '../../../app/contract/index.ts'
import { openDatabase } from '../../../app/library/index.ts'
import type { Db, ListArgs } from '../../../app/library/index.ts'
import { foldName, listQuery } from '../../../app/library/item-list.ts'
import { ItemStore, pageQuery } from '../../../app/library/item-store.ts'
import { silentLog } from '../../../app/ports/log.ts'

const COUNT = 100_000
const idOf = (n: number): MediaId => MediaId.parse(createHash('sha256').update(`${n}`).digest('hex'))

describe('a library of 100,000 items', () => {
  let dir: string
  let db: Db
  let items: ItemStore

  beforeAll(async () => {
    dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-list-'))
    db = openDatabase(path.join(dir, 'sower.db'), { log: silentLog, clock: { nowMs: () => 0 } })
    items = new ItemStore(db)
    db.write(() => {
      for (let n = 0; n < COUNT; n++) {
        items.insert({
          mediaId: idOf(n),
          name: `Clip ${(n * 7919) % COUNT}.mp4`,
          mime: 'video/mp4',
          sizeBytes: (n * 104_729) % 1_000_003,
          protection: 'none',
          sharedWith: [],
          hasConditions: false,
          accessLevel: n % 10 === 0 ? 'private' : 'public',
          infoHash: createHash('sha1').update(`${n}`).digest('hex'),
          pieceLength: 65_536,
          isSeedingWanted: true,
          isOwn: true,
          owner: '02',
          createdAt: '2026-01-01T00:00:00Z',
          addedAtMs: n,
          manifestVersion: 1,
          fileState: n % 1000 === 7 ? 'missing' : 'ok',
          fileIdentity: `${n}:1:1`,
          isVerified: true,
          ...(n >= COUNT - 10 ? { trashedAtMs: 5 } : {}),
        })
      }
    })
  }, 60_000)
  afterAll(async () => {
    db.close()
    await fs.rm(dir, { recursive: true })
  })

  const planOf = (sql: string, parameters: unknown): string => {
    const rows = db.sql.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(parameters) as { detail: string }[]
    return rows.map(({ detail }) => detail).join('; ')
  }

  const sorts = {
    added: 'items_by_added',
    name: 'items_by_name',
    size: 'items_by_size',
    uploaded: 'items_by_uploaded',
  }
  for (const [sort, index] of Object.entries(sorts) as [keyof typeof sorts, string][]) {
    for (const direction of ['asc', 'desc'] as const) {
      it(`walks the index when sorted by ${sort}, ${direction}`, () => {
        const { sql, parameters } = listQuery({ sort, direction, offset: 50_000 })
        expect(planOf(sql, parameters)).toBe(`SCAN items USING INDEX ${index}`)
      })
    }
  }

  it('finds what needs attention, what is public and what is in the trash without looking at the rest', () => {
    const attention = listQuery({ filter: 'attention' })
    expect(planOf(attention.sql, attention.parameters)).toBe('SCAN items USING INDEX items_attention')
    const isPublic = listQuery({ filter: 'public' })
    expect(planOf(isPublic.sql, isPublic.parameters)).not.toMatch(/SCAN items$|TEMP B-TREE/)
    const walks = {
      trashed: 'items_trashed',
      notOk: 'items_not_ok',
      checking: 'items_not_ok',
      manifestPending: 'items_manifest_pending',
    } as const
    for (const [kind, index] of Object.entries(walks) as [keyof typeof walks, string][]) {
      expect(planOf(pageQuery(kind), 0)).toMatch(new RegExp(`USING INDEX ${index}( |$)`))
    }
    expect(planOf(pageQuery('kept'), 0)).toBe('SEARCH items USING INTEGER PRIMARY KEY (rowid>?)')
    expect(
      planOf('SELECT * FROM items WHERE info_hash = @a AND trashed_at_ms IS NULL ORDER BY id LIMIT 1', {
        a: '',
      }),
    ).toMatch(/items_by_info_hash/)
  })

  it('counts the whole from indexes alone', () => {
    const plan = planOf(
      'SELECT access_level, count(*) FROM items WHERE trashed_at_ms IS NULL GROUP BY access_level',
      {},
    )
    expect(plan).toBe('SCAN items USING COVERING INDEX items_by_access')
    expect(items.counts()).toEqual({ all: COUNT - 10, attention: 100, public: 89_991, private: 9999 })
  })

  it.each<[ListArgs, number[], number]>([
    [{ limit: 2 }, [COUNT - 11, COUNT - 12], COUNT - 10],
    [{ limit: 2, direction: 'asc', offset: 3 }, [3, 4], COUNT - 10],
    [{ limit: 2, filter: 'attention' }, [99_007, 98_007], 100],
    [{ limit: 2, filter: 'private', direction: 'asc' }, [0, 10], 9999],
    [
      { limit: 3, search: 'CLIP 4242.', sort: 'name' },
      [Array.from({ length: COUNT }, (_, n) => n).findIndex((n) => (n * 7919) % COUNT === 4242)],
      1,
    ],
    [{ limit: 3, search: idOf(5) }, [5], 1],
    [{ limit: 3, offset: 200_000 }, [], COUNT - 10],
  ])('answers %j', (args, numbers, total) => {
    const result = items.list(args)
    expect(result.rows.map(({ mediaId }) => mediaId)).toEqual(numbers.map(idOf))
    expect(result.total).toBe(total)
  })

  it('walks all seeding rows page by page while others write', () => {
    let seen = 0
    for (const { mediaId } of items.each('seeding')) {
      if (seen++ % 10_000 === 0) db.write(() => items.addUsage(mediaId, 1, null))
    }
    expect(seen).toBe(COUNT - 10 - 100)
  })
})

it.each([
  ['ÄPFEL', 'äpfel'],
  ['ﬁle', 'file'],
  ['a\u202eb\u200bc', 'abc'],
  ['Ａ１', 'a1'],
  ['cafe\u0301', 'café'],
])('compares %j as %j', (name, folded) => {
  expect(foldName(name)).toBe(folded)
})
