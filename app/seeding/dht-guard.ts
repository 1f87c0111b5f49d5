import type { RemoteInfo } from 'node:dgram'
import type { Dht } from 'webtorrent'
import type { Log } from '../ports/log.ts'
import { decodeDict, type Bencoded } from './bencode.ts'

const ID_BYTES = 20
/** A compact node: its id, address and port. */
const NODE_BYTES = 26
/** A compact peer: address and port; those of IPv6 are longer. */
const MIN_PEER_BYTES = 6
const MAX_TRANSACTION_BYTES = 32

/**
 * Lets through to the DHT only messages whose every part is what it must be: bittorrent-dht trusts what it decodes, so that
 * one datagram from anybody could end the process. Values of others (BEP 44) are not stored.
 * @see https://www.bittorrent.org/beps/bep_0005.html
 */
export function guardDht(dht: Dht, log: Log): void {
  const { socket } = dht._rpc.socket
  const listeners = socket.listeners('message')
  socket.removeAllListeners('message')
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    if (!isSoundDhtMessage(datagram)) return
    try {
      for (const listener of listeners) Reflect.apply(listener, socket, [datagram, from])
    } catch (error) {
      log.warn('dht.broken-message', { error })
    }
  })
}

/** Whether this is a whole query, answer or error of the mainline DHT, of the kinds that are dealt with. */
export function isSoundDhtMessage(datagram: Uint8Array): boolean {
  let message
  try {
    message = decodeDict(datagram).dict
  } catch {
    return false
  }
  const transaction = message.get('t')
  if (!isBytes(transaction) || transaction.length < 1 || transaction.length > MAX_TRANSACTION_BYTES)
    return false
  switch (textOf(message.get('y'))) {
    case 'q':
      return isSoundQuery(textOf(message.get('q')), message.get('a'))
    case 'r':
      return isSoundAnswer(message.get('r'))
    case 'e':
      return isSoundError(message.get('e'))
    default:
      return false
  }
}

function isSoundQuery(method: string | undefined, args: Bencoded | undefined): boolean {
  if (!(args instanceof Map) || !isId(args.get('id'))) return false
  switch (method) {
    case 'ping':
      return true
    case 'find_node':
    case 'get':
      return isId(args.get('target'))
    case 'get_peers':
      return isId(args.get('info_hash'))
    case 'announce_peer': {
      const port = args.get('port')
      return (
        isId(args.get('info_hash')) && isBytes(args.get('token')) && (port === undefined || isNumber(port))
      )
    }
    default:
      return false
  }
}

function isSoundAnswer(answer: Bencoded | undefined): boolean {
  if (!(answer instanceof Map) || !isId(answer.get('id'))) return false
  const token = answer.get('token')
  const nodes = answer.get('nodes')
  const values = answer.get('values')
  return (
    (token === undefined || isBytes(token)) &&
    (nodes === undefined || (isBytes(nodes) && nodes.length % NODE_BYTES === 0)) &&
    (values === undefined || (Array.isArray(values) && values.every(isPeer)))
  )
}

function isSoundError(error: Bencoded | undefined): boolean {
  return Array.isArray(error) && error.every((part) => isNumber(part) || isBytes(part))
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isId = (value: unknown): boolean => isBytes(value) && value.length === ID_BYTES
const isPeer = (value: unknown): boolean => isBytes(value) && value.length >= MIN_PEER_BYTES
const textOf = (value: unknown): string | undefined =>
  isBytes(value) ? Buffer.from(value).toString('latin1') : undefined
