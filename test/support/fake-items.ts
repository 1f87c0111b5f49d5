import type {
  Item,
  ItemDetail,
  MediaId,
  NodeStatus,
  SettingsView,
  Transfer,
} from '../../app/contract/index.ts'
import { fakeWallet, protectionOf } from './fake-people.ts'
import { fakeTransfer } from './fake-transfer.ts'
import { seededRandom } from './seeded-random.ts'

const hex = (random: () => number, length: number): string =>
  Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('')

const SUBJECTS = [
  'harbour-at-dawn',
  'keynote-2026',
  'Lecture 07 – Tides',
  'field-notes',
  'Oma’s recipes',
  'garden-timelapse',
  'interview-raw',
  'Concert Wien',
  'bird-song-april',
  'thesis-final',
  'workshop-slides',
  'seed-catalogue',
  'mountain-hut',
  'choir-rehearsal',
  'map-of-the-valley',
  'scans-1987',
  'drone-pass',
  'letters',
  'radio-play',
  'open-data-rivers',
  '夏の記録',
  'مقابلة',
  'Ünïcode tést',
] as const

const KINDS = [
  { ext: 'mp4', mime: 'video/mp4', sizes: [40e6, 4e9] },
  { ext: 'webm', mime: 'video/webm', sizes: [20e6, 2e9] },
  { ext: 'flac', mime: 'audio/flac', sizes: [15e6, 120e6] },
  { ext: 'mp3', mime: 'audio/mpeg', sizes: [2e6, 12e6] },
  { ext: 'png', mime: 'image/png', sizes: [200e3, 2.5e6] },
  { ext: 'jpg', mime: 'image/jpeg', sizes: [400e3, 2.8e6] },
  { ext: 'pdf', mime: 'application/pdf', sizes: [100e3, 30e6] },
  { ext: 'zip', mime: 'application/zip', sizes: [1e6, 7e9] },
  { ext: 'md', mime: 'text/markdown', sizes: [2e3, 60e3] },
] as const

const DAY_MS = 86_400_000

/** `count` made-up items, newest first; the same for the same seed. */
export function fakeItems(count: number, nowMs: number, seed = 7): Item[] {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  return Array.from({ length: count }, (_, index): Item => {
    const kind = index === 0 ? KINDS[1] : pick(KINDS)
    const [least, most] = kind.sizes
    const sizeBytes = Math.round(least * (most / least) ** random())
    const isPublic = index === 0 || random() < 0.72
    const roll = random()
    const state = isPublic
      ? roll < 0.86 || index === 0
        ? 'seeding'
        : roll < 0.92
          ? 'ready'
          : roll < 0.95
            ? 'checking'
            : roll < 0.975
              ? 'changed'
              : 'missing'
      : 'ready'
    const peers =
      state === 'seeding' && (index === 0 || random() < 0.4) ? 1 + Math.floor(random() ** 3 * 24) : 0
    const uploadedBytes = isPublic ? Math.round(sizeBytes * random() ** 3 * 40) : 0
    const copy = index >= SUBJECTS.length ? `-${Math.floor(index / SUBJECTS.length)}` : ''
    const item: Item = {
      mediaId: hex(random, 64) as MediaId,
      name: `${SUBJECTS[index % SUBJECTS.length]}${copy}.${kind.ext}`,
      mime: kind.mime,
      sizeBytes,
      protection: 'none',
      sharedWith: 0,
      hasConditions: false,
      accessLevel: isPublic ? 'public' : 'private',
      state,
      isSeedingWanted: state !== 'ready',
      isOwn: random() < 0.8,
      ...(isPublic ? { infoHash: hex(random, 40) } : {}),
      addedAtMs: Math.round(nowMs - index * DAY_MS * 0.37 - random() * DAY_MS * 0.2),
      peers,
      uploadedBytes,
      uploadRateBytesPerSec: peers > 0 ? Math.round(random() * 900_000) : 0,
      ...(uploadedBytes > 0 ? { lastServedAtMs: Math.round(nowMs - random() * DAY_MS * 3) } : {}),
    }
    return { ...item, ...protectionOf(item, index) }
  })
}

export function fakeDetail(item: Item): ItemDetail {
  const random = seededRandom(Number.parseInt(item.mediaId.slice(0, 8), 16))
  const kinds = ['tcp', 'webrtc', 'utp'] as const
  const clients = ['qBittorrent 5.2', 'Transmission 4.1', 'WebTorrent (Firefox)', 'Sower 0.1'] as const
  const link = `sower://media/${item.mediaId}?v=1`
  return {
    ...item,
    did: `did:gun:media:${item.mediaId}`,
    owner: `02${item.mediaId}`,
    createdAt: new Date(item.addedAtMs).toISOString(),
    manifestVersion: 1,
    ...(item.infoHash === undefined ? {} : { magnetURI: `magnet:?xt=urn:btih:${item.infoHash}` }),
    link,
    copies: { presence: 2, presenceAtMs: item.addedAtMs, swarm: 3, swarmAtMs: item.addedAtMs },
    path: `/home/ana/Sower/${item.mediaId}/original`,
    connectedPeers: Array.from({ length: item.peers }, (_, i) => ({
      address: `203.0.113.${1 + Math.floor(random() * 250)}:${20_000 + i}`,
      kind: kinds[i % kinds.length] ?? 'tcp',
      client: clients[Math.floor(random() * clients.length)] ?? 'Sower 0.1',
      uploadedBytes: Math.round(random() * item.sizeBytes),
      downloadedBytes: 0,
    })),
  }
}

/** One transfer in each state and stage worth looking at. */
export function fakeTransfers(nowMs: number, items: readonly Item[]): Transfer[] {
  const mediaId = items[0]?.mediaId
  return [
    fakeTransfer({
      createdAtMs: nowMs,
      id: 't1',
      kind: 'add',
      name: 'festival-opening-4k.mov',
      state: 'active',
      stage: 'read',
      bytesDone: 1_460_000_000,
      bytesTotal: 3_400_000_000,
      rateBytesPerSec: 212_000_000,
      etaMs: 9_000,
      accessLevel: 'public',
    }),
    fakeTransfer({
      createdAtMs: nowMs,
      id: 't2',
      kind: 'get',
      name: 'Lecture 08 – Estuaries.webm',
      state: 'active',
      stage: 'download',
      bytesDone: 310_000_000,
      bytesTotal: 890_000_000,
      rateBytesPerSec: 6_400_000,
      etaMs: 91_000,
      sources: [
        { kind: 'torrent', label: 'swarm', state: 'active', bytes: 240_000_000 },
        { kind: 'http', label: 'media.example.org', state: 'active', bytes: 70_000_000 },
        { kind: 'ipfs', label: 'ipfs.example.org', state: 'idle', bytes: 9_000_000 },
        { kind: 'gun', label: 'gun', state: 'idle', bytes: 2_000_000 },
        {
          kind: 'http',
          label: 'mirror.example.net',
          state: 'dropped',
          bytes: 12_000_000,
          note: 'It sent bytes that are not this item’s.',
        },
      ],
    }),
    fakeTransfer({
      createdAtMs: nowMs,
      id: 't3',
      kind: 'add',
      name: 'archive-2019.zip',
      state: 'failed',
      stage: 'store',
      bytesDone: 900_000_000,
      bytesTotal: 7_100_000_000,
      accessLevel: 'private',
      error: {
        code: 'DISK_FULL',
        message: '“archive-2019.zip” needs 6.2 GB more than the disk has. Nothing half-written was kept.',
        hint: 'Free some space on that disk, then try again.',
      },
    }),
    fakeTransfer({
      createdAtMs: nowMs,
      id: 't4',
      kind: 'add',
      name: 'scans-1987.pdf',
      state: 'done',
      stage: 'store',
      bytesTotal: 24_000_000,
      isDuplicate: true,
      accessLevel: 'private',
      ...(mediaId === undefined ? {} : { mediaId }),
    }),
    fakeTransfer({
      createdAtMs: nowMs,
      id: 't5',
      kind: 'get',
      name: 'choir.flac',
      state: 'paused',
      stage: 'download',
      bytesDone: 20_000_000,
      bytesTotal: 64_000_000,
    }),
  ]
}

export function fakeStatus(nowMs: number, items: readonly Item[]): NodeStatus {
  const seeding = items.filter((item) => item.state === 'seeding')
  return {
    version: '0.1.0',
    nodeId: 'b3f1'.repeat(16),
    startedAtMs: nowMs - 5 * DAY_MS,
    url: 'http://127.0.0.1:8765',
    controlUrl: 'http://127.0.0.1:8766',
    peerPort: 6881,
    media: {
      dir: '/home/ana/Sower',
      state: 'ok',
      freeBytes: 412_000_000_000,
      usedBytes: items.reduce((sum, item) => sum + item.sizeBytes, 0),
    },
    wallet: fakeWallet(),
    seeding: {
      isPaused: false,
      items: seeding.length,
      peersTcp: 21,
      peersWebrtc: 9,
      uploadRateBytesPerSec: items.length === 0 ? 0 : 1_240_000,
      downloadRateBytesPerSec: items.length === 0 ? 0 : 86_000,
      uploadedBytes: items.reduce((sum, item) => sum + item.uploadedBytes, 0),
    },
    trackers: [
      { url: 'wss://tracker.openwebtorrent.com', state: 'working', lastAnsweredAtMs: nowMs - 74_000 },
      { url: 'wss://tracker.example.org', state: 'connecting' },
      {
        url: 'udp://tracker.example.net:6969/announce',
        state: 'failing',
        message: 'The host name is not known.',
      },
    ],
    network: { state: 'running', relays: [], sockets: 0, memoryBytes: 0, restarts: 0, dropped: {} },
    unheardErrors: 0,
    notices: [],
  }
}

export function fakeSettings(): SettingsView {
  return {
    values: {
      mediaDir: '/home/ana/Sower',
      trackers: [
        'wss://tracker.openwebtorrent.com',
        'wss://tracker.example.org',
        'udp://tracker.example.net:6969/announce',
      ],
      isDhtEnabled: true,
      isLsdEnabled: true,
      isPexEnabled: true,
      isUpnpEnabled: false,
      uploadLimitBytesPerSec: 2_500_000,
      downloadLimitBytesPerSec: null,
      peerPort: 6881,
      host: '127.0.0.1',
      port: 8765,
      controlPort: 8766,
      publicUrl: null,
      maxUploadBytes: 1e12,
      reserveBytes: 2_000_000_000,
      isSeedingAfterGet: true,
      isSeedingPaused: false,
      bootstrapBytes: 0,
      ipfsGateways: [],
      arweaveGateways: [],
      gunPeers: [],
      isFeedWanted: true,
      isAddressShared: false,
      region: null,
    },
    fixedBy: { port: 'environment' },
    needsRestart: [],
  }
}
