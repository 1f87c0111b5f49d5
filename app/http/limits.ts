import type { BucketRate } from './token-buckets.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** Every number that bounds what a client can make the node do. Tests lower some; users set none of them. */
export interface HttpLimits {
  /** From the first byte of a connection or request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** For the whole of a small (JSON) body. */
  readonly bodyTimeoutMs: number
  /** A socket on which nothing moves for so long is closed. */
  readonly idleTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
  /** Per remote address; this machine's own has no share of its own. */
  readonly maxConnectionsPerClient: number
  readonly maxRequestsPerSocket: number
  /** An item that is not there, or not the asker’s to know of, is answered so long after it was asked for: longer than looking takes. */
  readonly notFoundAfterMs: number
  /** A request body we have refused is read for so long, so that the client gets to see why. */
  readonly lingerMs: number
  /** Uploads have no total time, but a pace: slower than this on average over a window, and they are cut. */
  readonly uploadMinRateBytesPerSec: number
  readonly uploadRateWindowMs: number
  /** JSON bodies on the node listener: an upload with `source: "base64"` is the largest. */
  readonly jsonUploadBytes: number
  readonly rpcBytes: number
  readonly formFields: number
  readonly formFieldBytes: number
  readonly eventClients: number
  readonly eventBacklogBytes: number
  readonly eventHeartbeatMs: number
  /** How long `stop()` waits for answers on their way. */
  readonly stopGraceMs: number
  readonly rates: Readonly<
    Record<
      'any' | 'upload' | 'search' | 'badToken' | 'login' | 'relay',
      { stranger: BucketRate; loopback: BucketRate }
    >
  >
}

/** Behind a reverse proxy every client is loopback, and limiting strangers is the proxy's business. */
export const DEFAULT_LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  keepAliveTimeoutMs: 15_000,
  maxHeaderBytes: 8 * KiB,
  maxConnections: 1024,
  maxConnectionsPerClient: 64,
  maxRequestsPerSocket: 1000,
  notFoundAfterMs: 5,
  lingerMs: 3000,
  uploadMinRateBytesPerSec: 10_000,
  uploadRateWindowMs: 15_000,
  jsonUploadBytes: 32 * MiB,
  rpcBytes: 16 * MiB,
  formFields: 100,
  formFieldBytes: 16 * KiB,
  eventClients: 32,
  eventBacklogBytes: 4 * MiB,
  eventHeartbeatMs: 15_000,
  stopGraceMs: 2000,
  rates: {
    // A node that fetches a 64 MiB file in 64 KiB pieces makes a thousand requests in a second or two.
    any: { stranger: { ratePerSec: 500, burst: 3000 }, loopback: { ratePerSec: 20_000, burst: 40_000 } },
    upload: { stranger: { ratePerSec: 2, burst: 20 }, loopback: { ratePerSec: 50, burst: 200 } },
    search: { stranger: { ratePerSec: 5, burst: 30 }, loopback: { ratePerSec: 100, burst: 1000 } },
    login: { stranger: { ratePerSec: 1, burst: 30 }, loopback: { ratePerSec: 50, burst: 500 } },
    // Each asks every relay.
    relay: { stranger: { ratePerSec: 5, burst: 50 }, loopback: { ratePerSec: 200, burst: 1000 } },
    badToken: { stranger: { ratePerSec: 0.2, burst: 10 }, loopback: { ratePerSec: 20, burst: 200 } },
  },
}
