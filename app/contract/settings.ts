import { z } from 'zod'

const TrackerUrl = z.url({ protocol: /^(wss?|https?|udp)$/ })
const RelayUrl = z.url({ protocol: /^(wss?|https?)$/ })
/** `null` = unlimited. */
const RateLimit = z.int().positive().nullable()
/** 0 = any free port. */
const Port = z.int().min(0).max(65_535)

/**
 * Everything a user or operator can set. A value comes from, in this order: command-line flag, environment,
 * settings file, the default here. Documented for users in `docs/settings.md`.
 */
export const Settings = z.object({
  /** Absolute path of the media folder. */
  mediaDir: z.string().min(1),
  /** Announce here, one tier each. */
  trackers: z.array(TrackerUrl),
  isDhtEnabled: z.boolean(),
  isLsdEnabled: z.boolean(),
  isPexEnabled: z.boolean(),
  isUpnpEnabled: z.boolean(),
  uploadLimitBytesPerSec: RateLimit,
  downloadLimitBytesPerSec: RateLimit,
  /** BitTorrent's TCP port. */
  peerPort: Port,
  /** The node listener (media). */
  host: z.string().min(1),
  port: Port,
  /** The control listener is always on 127.0.0.1. */
  controlPort: Port,
  /** How others reach the node listener, e.g. `https://media.example.org`; goes into manifests and links. */
  publicUrl: z.url({ protocol: /^https?$/ }).nullable(),
  /** Largest upload accepted over HTTP. */
  maxUploadBytes: z.int().positive(),
  /** Stop adding when the volume has less than this free. */
  reserveBytes: z.int().nonnegative(),
  /** Bytes at the beginning of an item that the network itself carries, so that playing can begin before anybody is found; 0 = none. */
  bootstrapBytes: z
    .int()
    .min(0)
    .max(2 * 1024 * 1024),
  /** Trustless IPFS gateways that are asked for items whose manifest names a CID. */
  ipfsGateways: z.array(z.url({ protocol: /^https?$/ })).max(16),
  /** Arweave gateways, likewise. */
  arweaveGateways: z.array(z.url({ protocol: /^https?$/ })).max(16),
  /** Seed what was fetched. */
  isSeedingAfterGet: z.boolean(),
  /** The pause button: no traffic at all, also after a restart. */
  isSeedingPaused: z.boolean(),
  /** GUN relays this node connects to. No other address is ever dialled for GUN. */
  gunPeers: z.array(RelayUrl).max(16),
  /** Look for new public items of anybody on those relays. */
  isFeedWanted: z.boolean(),
  /** Let others find this node's public address in the network; without it nothing but its name is told. */
  isAddressShared: z.boolean(),
  /** A word for where this node is, told to others with what it has. */
  region: z
    .string()
    .regex(/^[\p{L}\p{N} ._-]{1,32}$/u)
    .nullable(),
})
export type Settings = z.output<typeof Settings>

export const SettingsPatch = Settings.partial().strict()
export type SettingsPatch = z.output<typeof SettingsPatch>

/** Where each value came from, so that the window can say "set by the environment" and not offer to change it. */
export const SettingsView = z.object({
  values: Settings,
  fixedBy: z.partialRecord(
    z.enum(Object.keys(Settings.shape) as [keyof Settings, ...(keyof Settings)[]]),
    z.enum(['flag', 'environment']),
  ),
  /** Names of changed values that take effect at the next start of the engine. */
  needsRestart: z.array(z.string()),
})
export type SettingsView = z.output<typeof SettingsView>
