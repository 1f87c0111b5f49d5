import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { moveAside, readFileIfThere, writeFileAtomic } from '../atomic-file.ts'
import type { Notice } from '../contract/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'

/** Ed25519, random per installation: signs what the node says as a node, and the tokens it gives out. */
export interface NodeKey {
  /** First 40 hex of sha256(public key). */
  readonly nodeId: string
  /** 64 hex: the raw 32-byte Ed25519 public key. */
  readonly publicKeyHex: string
  /** What the user is to be told of how it was found. */
  readonly notice?: Notice
  /** @returns 64 bytes, Ed25519 (RFC 8032) */
  sign(bytes: Uint8Array): Uint8Array
}

export interface NodeKeyPair {
  readonly nodeKey: NodeKey
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** Reads `<dataDir>/node.key` or makes it at the first start; one that can't be read is moved aside and replaced. */
export function openNodeKey(dataDir: string, { log, clock }: { log: Log; clock: Clock }): NodeKeyPair {
  const path = join(dataDir, 'node.key')
  const pem = readFileIfThere(path)
  if (pem !== undefined) {
    const privateKey = parse(pem)
    pem.fill(0)
    if (privateKey !== undefined) {
      keepPrivate(path, log)
      return describe(privateKey)
    }
    const movedTo = moveAside(path, clock.nowMs())
    log.warn('node-key.damaged', { movedTo })
    return makeKey(path, replacedNotice(movedTo, clock.nowMs()))
  }
  return makeKey(path)
}

function makeKey(path: string, notice?: Notice): NodeKeyPair {
  const { privateKey } = generateKeyPairSync('ed25519')
  const text = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileAtomic(path, text, 0o600)
  text.fill(0)
  return describe(privateKey, notice)
}

function parse(pem: Buffer): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

function keepPrivate(path: string, log: Log): void {
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return
  log.warn('node-key.open-permissions', { file: 'node.key' })
  chmodSync(path, 0o600)
}

function replacedNotice(movedTo: string, atMs: number): Notice {
  return {
    id: randomUUID(),
    level: 'warning',
    code: 'NODE_KEY_REPLACED',
    message:
      'The file node.key was damaged, so this node has a new name in the network. Your wallet and your media are untouched; tokens given out before no longer hold.',
    hint: `The damaged file is kept as ${movedTo}.`,
    atMs,
  }
}

function describe(privateKey: KeyObject, notice?: Notice): NodeKeyPair {
  const publicKey = createPublicKey(privateKey)
  // The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key itself (RFC 8410).
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return {
    privateKey,
    publicKey,
    nodeKey: {
      ...(notice === undefined ? {} : { notice }),
      nodeId: createHash('sha256').update(raw).digest('hex').slice(0, 40),
      publicKeyHex: raw.toString('hex'),
      sign: (bytes) => sign(null, bytes, privateKey),
    },
  }
}
