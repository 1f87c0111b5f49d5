import { isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { AppError, Settings } from './contract/index.ts'

export type SettingName = keyof Settings
export type Environment = Readonly<Record<string, string | undefined>>

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB

/** How one setting is called outside, read from text and explained when it is wrong. */
interface SettingSource {
  readonly env: string
  readonly flag: string
  /** What is allowed, as the end of the sentence “… must be”. */
  readonly allowed: string
  /** Text from the environment or the command line → value for the schema; an unreadable text is handed on and refused there. */
  readonly fromText: (text: string) => unknown
}

const asText = (text: string): unknown => text
const port = { allowed: 'a whole number from 0 to 65535 (0 = any free port)', fromText: asWholeNumber }
const onOff = { allowed: 'on or off', fromText: asBoolean }
const bytes = { allowed: 'a number of bytes such as 500000, 64M or 2G', fromText: asByteCount }
const rate = { allowed: 'bytes per second such as 500000 or 2M, or “none” for no limit', fromText: asRate }

/** The names of every setting in environment and command line; `docs/settings.md` lists the same. */
export const SETTING_SOURCES: Readonly<Record<SettingName, SettingSource>> = {
  mediaDir: { env: 'MEDIA_DIR', flag: '--media-dir', allowed: 'the path of a folder', fromText: asPath },
  trackers: {
    env: 'WEBTORRENT_TRACKERS',
    flag: '--tracker',
    allowed: 'ws, wss, http, https or udp addresses with commas between them, or “none”',
    fromText: asList,
  },
  isDhtEnabled: { env: 'SOWER_DHT', flag: '--dht', ...onOff },
  isLsdEnabled: { env: 'SOWER_LSD', flag: '--lsd', ...onOff },
  isPexEnabled: { env: 'SOWER_PEX', flag: '--pex', ...onOff },
  isUpnpEnabled: { env: 'SOWER_UPNP', flag: '--upnp', ...onOff },
  uploadLimitBytesPerSec: { env: 'SOWER_UPLOAD_LIMIT', flag: '--upload-limit', ...rate },
  downloadLimitBytesPerSec: { env: 'SOWER_DOWNLOAD_LIMIT', flag: '--download-limit', ...rate },
  peerPort: { env: 'SOWER_PEER_PORT', flag: '--peer-port', ...port },
  host: {
    env: 'SOWER_HOST',
    flag: '--host',
    allowed: 'an IP address or host name of this machine',
    fromText: asText,
  },
  port: { env: 'SOWER_PORT', flag: '--port', ...port },
  controlPort: { env: 'SOWER_CONTROL_PORT', flag: '--control-port', ...port },
  publicUrl: {
    env: 'SOWER_PUBLIC_URL',
    flag: '--public-url',
    allowed: 'an http or https address, or “none”',
    fromText: (text) => (text === 'none' ? null : text),
  },
  maxUploadBytes: { env: 'SOWER_MAX_UPLOAD_BYTES', flag: '--max-upload', ...bytes },
  reserveBytes: { env: 'SOWER_RESERVE_BYTES', flag: '--reserve', ...bytes },
  bootstrapBytes: {
    env: 'SOWER_BOOTSTRAP_BYTES',
    flag: '--bootstrap',
    allowed: 'a number of bytes up to 2M',
    fromText: asByteCount,
  },
  ipfsGateways: {
    env: 'SOWER_IPFS_GATEWAYS',
    flag: '--ipfs-gateway',
    allowed: 'http or https addresses with commas between them, or “none”',
    fromText: asList,
  },
  arweaveGateways: {
    env: 'SOWER_ARWEAVE_GATEWAYS',
    flag: '--arweave-gateway',
    allowed: 'http or https addresses with commas between them, or “none”',
    fromText: asList,
  },
  isSeedingAfterGet: { env: 'SOWER_SEED_AFTER_GET', flag: '--seed-after-get', ...onOff },
  isSeedingPaused: { env: 'SOWER_PAUSED', flag: '--paused', ...onOff },
  gunPeers: {
    env: 'GUN_PEERS',
    flag: '--gun-peer',
    allowed: 'at most 16 http, https, ws or wss addresses with commas between them, or “none”',
    fromText: asList,
  },
  isFeedWanted: { env: 'SOWER_FEED', flag: '--feed', ...onOff },
  isAddressShared: { env: 'SOWER_SHARE_ADDRESS', flag: '--share-address', ...onOff },
  region: {
    env: 'SOWER_REGION',
    flag: '--region',
    allowed: 'a word of at most 32 letters and digits, or “none”',
    fromText: (text) => (text === 'none' ? null : text),
  },
}

export const SETTING_NAMES = Object.keys(SETTING_SOURCES) as readonly SettingName[]

/** What applies when nobody said anything. @see docs/decisions/0001-discovery-defaults.md for the swarm switches */
export function defaultSettings(dataDir: string): Settings {
  return {
    mediaDir: join(dataDir, 'media'),
    trackers: ['wss://tracker.openwebtorrent.com', 'wss://tracker.btorrent.xyz'],
    isDhtEnabled: true,
    isLsdEnabled: true,
    isPexEnabled: true,
    isUpnpEnabled: false,
    uploadLimitBytesPerSec: null,
    downloadLimitBytesPerSec: null,
    peerPort: 0,
    host: '127.0.0.1',
    port: 8765,
    controlPort: 8766,
    publicUrl: null,
    maxUploadBytes: 64 * GIB,
    reserveBytes: GIB,
    bootstrapBytes: 0,
    ipfsGateways: ['https://ipfs.io', 'https://trustless-gateway.link'],
    arweaveGateways: ['https://arweave.net'],
    isSeedingAfterGet: true,
    isSeedingPaused: false,
    // There is no relay everybody uses: an address nobody chose would learn what everybody publishes.
    gunPeers: [],
    isFeedWanted: true,
    isAddressShared: false,
    region: null,
  }
}

/**
 * One value, checked.
 * @param origin what the message calls it, e.g. `SOWER_PORT` or `--port`
 * @throws {AppError} `BAD_REQUEST` naming the origin and what is allowed
 */
export function readSetting<N extends SettingName>(name: N, given: unknown, origin: string): Settings[N] {
  const checked = z.safeParse(Settings.shape[name], given)
  if (!checked.success || (name === 'mediaDir' && !isAbsolute(String(given))))
    throw refusal(name, given, origin)
  // The schema that passed is the one of this very name.
  return checked.data as Settings[N]
}

/** As `readSetting`, for what may have been typed: text is read as a number, a switch or a list where that is wanted. */
export function readSettingText<N extends SettingName>(name: N, given: unknown, origin: string): Settings[N] {
  if (typeof given !== 'string') return readSetting(name, given, origin)
  try {
    return readSetting(name, SETTING_SOURCES[name].fromText(given.trim()), origin)
  } catch (error) {
    if (error instanceof AppError) throw refusal(name, given, origin)
    throw error
  }
}

function refusal(name: SettingName, given: unknown, origin: string): AppError {
  const refused = typeof given === 'string' ? `cannot be “${given.slice(0, 200)}”: it must be` : 'must be'
  return new AppError('BAD_REQUEST', `${origin} ${refused} ${SETTING_SOURCES[name].allowed}.`, {
    hint: `Correct ${origin}, or leave it out to use the default.`,
    details: { setting: name },
  })
}

function asPath(text: string): string {
  return text === '' ? text : resolve(text)
}

function asList(text: string): string[] {
  if (text === 'none') return []
  return text
    .split(/[\s,]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function asWholeNumber(text: string): unknown {
  return /^\d{1,15}$/.test(text) ? Number(text) : text
}

function asBoolean(text: string): unknown {
  if (/^(on|true|yes|1)$/i.test(text)) return true
  if (/^(off|false|no|0)$/i.test(text)) return false
  return text
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: MIB, G: GIB, T: 1024 * GIB }

function asByteCount(text: string): unknown {
  const match = /^(\d{1,12})\s*([KMGT]?)(?:i?B)?$/i.exec(text)
  const unit = BYTE_UNITS[match?.[2]?.toUpperCase() ?? '']
  return match === null || unit === undefined ? asWholeNumber(text) : Number(match[1]) * unit
}

function asRate(text: string): unknown {
  return text === 'none' || text === '0' ? null : asByteCount(text)
}
