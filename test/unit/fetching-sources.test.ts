import { describe, expect, it } from 'vitest'
import { readTypedSources, usablePeers, usableTrackers, webSourcesOf } from '../../app/fetching/web-source.ts'

const ID = 'cd'.repeat(32)
const from = (input: Partial<Parameters<typeof webSourcesOf>[0]>) =>
  webSourcesOf({ kind: 'sower', mediaId: ID, typed: [], linked: [], ...input }).map(
    ({ bytesUrl, infoUrl, isPrivateAllowed }) => [bytesUrl.href, infoUrl?.pathname, isPrivateAllowed],
  )

describe('web sources', () => {
  it.each([
    ['a node', 'http://n.example:8765', `http://n.example:8765/media/${ID}`],
    ['an item on a node', `http://n.example/media/${ID}`, `http://n.example/media/${ID}`],
    ['an item by the API', `http://n.example/api/media/${ID}`, `http://n.example/media/${ID}`],
    ['a node behind a path', `http://n.example/sower/media/${ID}/`, `http://n.example/sower/media/${ID}`],
  ])('reads %s', (_what, address, bytes) => {
    const info = bytes
      .slice('http://'.length)
      .replace(/^[^/]*/, '')
      .replace('/media/', '/api/media/')
    expect(from({ typed: [address] })).toEqual([[bytes, `${info}/info`, true]])
  })

  it('takes any other address as that of the file, and knows nothing else about it', () => {
    expect(from({ typed: ['http://h.example/a/film.mp4?token=1'] })).toEqual([
      ['http://h.example/a/film.mp4?token=1', undefined, true],
    ])
  })

  it('adds the name of the file to the address of a folder', () => {
    const folder = { kind: 'magnet', mediaId: undefined, linked: ['http://h.example/a/'] } as const
    expect(from(folder)).toEqual([])
    expect(from({ ...folder, fileName: '../x y' })).toEqual([
      ['http://h.example/a/..%2Fx%20y', undefined, false],
    ])
  })

  it.each([
    ['exactly the item', `http://10.0.0.1:8765/media/${ID}`, true],
    ['with a query', `http://10.0.0.1:8765/media/${ID}?reboot=1`, false],
    ['below another path', `http://10.0.0.1:8765/x/media/${ID}`, false],
    ['on the port of another service', `http://10.0.0.1:25/media/${ID}`, false],
    ['another path', 'http://10.0.0.1/reboot', false],
  ])('lets a link name a private address: %s', (_what, address, isAllowed) => {
    expect(from({ linked: [address] }).map(([, , allowed]) => allowed)).toEqual([isAllowed])
    expect(from({ named: [address] }).map(([, , allowed]) => allowed)).toEqual([false])
  })

  it('names two sources of one host apart and each address once', () => {
    const labels = webSourcesOf({
      kind: 'sower',
      mediaId: ID,
      typed: ['http://h.example/', 'http://h.example/b'],
      linked: [`http://h.example/media/${ID}`],
    }).map(({ label }) => label)
    expect(new Set(labels).size).toBe(2)
  })
})

describe('what others named', () => {
  it('keeps HTTP trackers that are asked for announces, and all WebSocket and UDP ones', () => {
    const good = [
      'http://10.0.0.1:6969/announce',
      'https://t.example/x/announce.php?key=1',
      'udp://t.example:80',
      'wss://t.example',
    ]
    expect(
      usableTrackers([...good, 'http://10.0.0.1/reboot', 'http://10.0.0.1/', 'file:///announce', 'x']),
    ).toEqual(good)
  })

  it('keeps peers on ports of no well-known service', () => {
    expect(usablePeers(['10.0.0.1:22', '10.0.0.1:6881', '[::1]:25', '[::1]:51413'])).toEqual([
      '10.0.0.1:6881',
      '[::1]:51413',
    ])
  })
})

it('tells typed addresses of nodes from those of peers', () => {
  expect(
    readTypedSources([' http://h.example ', 'h.example:6881', '[::1]:1', 'https://h.example/f']),
  ).toEqual({
    web: ['http://h.example/', 'https://h.example/f'],
    peers: ['h.example:6881', '[::1]:1'],
  })
  expect(() => readTypedSources(['h.example'])).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST' }) as Error,
  )
})
