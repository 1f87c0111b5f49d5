import { WebSocket } from 'ws'

/** Nothing a tracker has to say is longer; one that sends more is hung up on before it is all here. */
const MAX_MESSAGE_BYTES = 64 * 1024
const HANDSHAKE_MS = 15_000

/** A connection to a WebSocket tracker, which a link may have named: what it sends is bounded. Failures end in `close`. */
export function openSocket(url: string): WebSocket {
  const socket = new WebSocket(url, {
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
  })
  socket.on('error', () => undefined)
  return socket
}
