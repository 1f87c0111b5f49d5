import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../app/library/index.ts'
import type { Db } from '../../../app/library/index.ts'
import type { Reader } from '../../../app/manifest/index.ts'
import { silentLog } from '../../../app/ports/log.ts'
import { Catalogue } from '../../../app/search/index.ts'
import type { CatalogueEntry, CatalogueQuery } from '../../../app/search/index.ts'

const ANNA = `02${'a'.repeat(64)}`
const BEN = `03${'b'.repeat(64)}`
const CARA = `02${'c'.repeat(64)}`
const stranger: Reader = { kind: 'stranger' }
const reader = (publicKey: string, isNodeOwner = false): Reader => ({
  kind: 'bearer',
  publicKey,
  isNodeOwner,
})

let dir: string
let db: Db
let catalogue: Catalogue

beforeEach(async () => {
  dir = await fs.mkdtemp(path.join(os.tmpdir(), 'sower-catalogue-'))
  db = openDatabase(path.join(dir, 'sower.db'), { log: silentLog, clock: { nowMs: () => 0 } })
  catalogue = new Catalogue(db)
})
afterEach(async () => {
  db.close()
  await fs.rm(dir, { recursive: true })
})

function entry(name: string, more: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return {
    mediaId: createHash('sha256').update(name).digest('hex'),
    owner: ANNA,
    name,
    mime: 'video/mp4',
    sizeBytes: 1000,
    createdAtMs: 1,
    accessLevel: 'public',
    sharedWith: [],
    version: 1,
    isSealed: false,
    ...more,
  }
}

const names = (query: CatalogueQuery, who: Reader = stranger): string[] =>
  catalogue.find(query, who).entries.map(({ name }) => name)

describe('finding', () => {
  it.each([
    [
      '東京タワーの夜景.jpg',
      ['東京', '京タ', 'タワー', 'ﾀﾜｰ', '夜景', '夜', '東京タワーの夜景'],
      ['東夜', '京都', 'ワタ'],
    ],
    ['北京欢迎你2024.mp3', ['欢迎', '你', '北京 2024', '北京欢迎你2024'], ['迎欢', '2025']],
    ['บันทึกเสียงการประชุม.mp3', ['ประชุม', 'เสียง'], ['ประมุข']],
    ['한국어 동영상.mp4', ['한국', '동영'], ['영상통화']],
    ['🎉🎂 birthday 👩‍🚀 🇯🇵.mov', ['🎉', '🎂', '🎂🎉', '🎉 birth', '👩‍🚀', '🇯🇵'], ['🎈', '🇩🇪', '🎉 wedding']],
    [
      'Straße nach Łódź, Ærø, ΟΔΟΣ.mp4',
      ['strasse', 'STRASSE', 'straße', 'lodz', 'aero', 'οδος', 'ΟΔΟΣ'],
      ['stras se'],
    ],
  ])('finds %s by what is in it, also where words are not parted', (name, found, missed) => {
    catalogue.put([entry(name), entry('Something else, 京 and 夜.txt')])
    expect(found.map((text) => [text, names({ text })])).toEqual(
      found.map((text) => [text, expect.arrayContaining([name]) as string[]]),
    )
    expect(missed.map((text) => [text, names({ text })])).toEqual(missed.map((text) => [text, []]))
  })

  it('pages through what is only found by a part of it', () => {
    const all = Array.from({ length: 7 }, (_, index) => `夜景${index}.jpg`)
    catalogue.put([...all, '景色の夜.jpg'].map((name) => entry(name)))
    const first = catalogue.find({ text: '夜景', limit: 4 }, stranger)
    const second = catalogue.find({ text: '夜景', limit: 4, cursor: first.cursor }, stranger)
    expect([first.entries.length, second.entries.length, second.cursor]).toEqual([4, 3, undefined])
    expect([...first.entries, ...second.entries].map(({ name }) => name).toSorted()).toEqual(all)
  })

  it('matches all words, each whole or begun, whatever their case and accents', () => {
    catalogue.put([
      entry('Café Müller am Hafen.mp4'),
      entry('Harbour at dawn.mp4'),
      entry('Hafenrundfahrt.mp4'),
    ])
    expect(names({ text: 'cafe muller' })).toEqual(['Café Müller am Hafen.mp4'])
    expect(names({ text: 'HAFEN' })).toEqual(['Café Müller am Hafen.mp4', 'Hafenrundfahrt.mp4'])
    expect(names({ text: 'haf dawn' })).toEqual([])
    expect(names({ text: 'dawn har' })).toEqual(['Harbour at dawn.mp4'])
  })

  it('puts a whole word before one that only begins so, and a name that begins with it first', () => {
    catalogue.put([entry('seedling.mp4'), entry('my seed.mp4'), entry('seed.mp4')])
    expect(names({ text: 'seed' })).toEqual(['seed.mp4', 'my seed.mp4', 'seedling.mp4'])
  })

  it('takes anything typed for words, never for a query language', () => {
    catalogue.put([entry('a "quoted" NEAR film.mp4')])
    for (const text of ['"quoted"', 'quoted OR', 'NEAR(film)', 'words:film', 'film*', "film'; --", '^film']) {
      expect(() => names({ text })).not.toThrow()
    }
    expect(names({ text: 'NEAR film' })).toHaveLength(1)
    expect(names({ text: '!!!' })).toEqual([])
  })

  it('filters by kind, publisher and access', () => {
    catalogue.put([
      entry('film one.mp4'),
      entry('film two.mp3', { mime: 'audio/mpeg', owner: BEN }),
      entry('film three.mp4', { accessLevel: 'private' }),
    ])
    expect(names({ text: 'film', kind: 'audio' })).toEqual(['film two.mp3'])
    expect(names({ text: 'film', owner: ANNA })).toEqual(['film one.mp4'])
    expect(names({ accessLevel: 'private' }, reader(ANNA))).toEqual(['film three.mp4'])
  })

  it('renews an entry, and forgets one without leaving its words behind', () => {
    const first = entry('old title.mp4')
    catalogue.put([first])
    catalogue.put([{ ...first, name: 'new title.mp4' }])
    expect(names({ text: 'old' })).toEqual([])
    expect(names({ text: 'new' })).toEqual(['new title.mp4'])
    expect(catalogue.set(first.mediaId, [])).toBe(true)
    expect(names({ text: 'title' })).toEqual([])
    expect(names({})).toEqual([])
  })

  it('keeps what two publishers say of the same bytes apart', () => {
    const shared = entry('by anna.mp4')
    catalogue.put([shared, { ...shared, owner: BEN, name: 'by ben.mp4' }])
    expect(names({}).toSorted()).toEqual(['by anna.mp4', 'by ben.mp4'])
    expect(catalogue.set(shared.mediaId, [shared])).toBe(true)
    expect(catalogue.set(shared.mediaId, [shared])).toBe(false)
    expect(names({})).toEqual(['by anna.mp4'])
  })
})

describe('who finds what', () => {
  beforeEach(() => {
    catalogue.put([
      entry('open tape.mp4'),
      entry('secret tape.mp4', { accessLevel: 'private' }),
      entry('lent tape.mp4', { accessLevel: 'shared', sharedWith: [BEN] }),
      entry('odd tape.mp4', { accessLevel: 'private', sharedWith: [BEN] }),
    ])
  })

  it.each<[string, Reader, string[]]>([
    ['a stranger', stranger, ['open tape.mp4']],
    ['somebody with a key of no matter', reader(CARA), ['open tape.mp4']],
    ['a recipient', reader(BEN), ['lent tape.mp4', 'open tape.mp4']],
    ['the publisher', reader(ANNA), ['lent tape.mp4', 'odd tape.mp4', 'open tape.mp4', 'secret tape.mp4']],
    [
      'the node’s owner',
      reader(CARA, true),
      ['lent tape.mp4', 'odd tape.mp4', 'open tape.mp4', 'secret tape.mp4'],
    ],
  ])('%s', (_who, who, expected) => {
    expect(names({ text: 'tape' }, who).toSorted()).toEqual(expected)
    expect(names({}, who).toSorted()).toEqual(expected)
  })

  it('pages what a stranger may see without gaps that tell of the rest', () => {
    const first = catalogue.find({ limit: 1 }, stranger)
    expect(first.entries).toHaveLength(1)
    expect(first.cursor).toBeUndefined()
  })
})

describe('what is under a seal', () => {
  beforeEach(() => {
    const sealed = { accessLevel: 'shared', sharedWith: [BEN], isSealed: true } as const
    catalogue.put([entry('divorce papers.pdf', { ...sealed, mime: 'application/pdf' })])
  })

  it('is found by its name by the node’s owner alone', () => {
    expect(names({ text: 'divorce' }, reader(CARA, true))).toEqual(['divorce papers.pdf'])
    expect(names({ kind: 'other' }, reader(CARA, true))).toEqual(['divorce papers.pdf'])
    for (const who of [stranger, reader(BEN), reader(ANNA)]) {
      expect(names({ text: 'divorce' }, who)).toEqual([])
      expect(names({ kind: 'other' }, who)).toEqual([])
    }
  })

  it('is nameless to others who may know of it', () => {
    expect(catalogue.find({}, reader(BEN)).entries).toMatchObject([
      { name: 'Encrypted item', mime: 'application/octet-stream' },
    ])
    expect(names({})).toEqual([])
  })
})

describe('publishers', () => {
  it('are told apart by owner key and by the space something was found in', () => {
    const pub = 'p'.repeat(87)
    catalogue.put([
      entry('by anna.mp4'),
      entry('in a space.mp4', { owner: BEN, pub }),
      entry('by cara.mp4', { owner: CARA }),
    ])
    const both = { owners: [ANNA], pubs: [pub] }
    expect(names({ publishers: both }).toSorted()).toEqual(['by anna.mp4', 'in a space.mp4'])
    expect(names({ text: 'by', publishers: both })).toEqual(['by anna.mp4'])
    expect(names({ publishers: { owners: [], pubs: [] } })).toEqual([])
    expect(catalogue.count(both)).toBe(2)
    expect(catalogue.pubOf(BEN)).toBe(pub)
    expect(catalogue.pubOf(ANNA)).toBeUndefined()
  })
})

describe('pages', () => {
  it.each(['', 'clip'])('give everything once, in order (searching for “%s”)', (text) => {
    catalogue.put(
      Array.from({ length: 57 }, (_, n) =>
        entry(`clip ${String(n)}.mp4`, { createdAtMs: Math.floor(n / 3) }),
      ),
    )
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = catalogue.find({ text, limit: 10, cursor }, stranger)
      seen.push(...page.entries.map(({ name }) => name))
      cursor = page.cursor
      // What comes meanwhile moves nothing.
      catalogue.put([entry(`clip late ${String(seen.length)}.mp4`, { createdAtMs: 1_000_000 })])
    } while (cursor !== undefined)
    expect(new Set(seen).size).toBe(57)
    expect(seen).toHaveLength(57)
  })

  it('refuse a cursor of another search or none at all', () => {
    catalogue.put([entry('x.mp4')])
    for (const cursor of ['', 'abc', Buffer.from('r:1').toString('base64url')]) {
      expect(() => names({ cursor })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    }
  })
})
