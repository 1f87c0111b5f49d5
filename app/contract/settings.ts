import { z } from 'zod'

const TrackerUrl = z.url({ protocol: /^(wss?|https?|udp)$/ })
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
  /** Seed what was fetched. */
  isSeedingAfterGet: z.boolean(),
  /** The pause button: no traffic at all, also after a restart. */
  isSeedingPaused: z.boolean(),
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
