import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { AppError } from '../../contract/index.ts'
import type { OwnerSigner, LitPart } from '../../manifest/index.ts'
import { conditionsUnmet } from './payload.ts'
import type { LitNetwork } from './lit-envelope.ts'

/** What was tried: the SDK of the Naga network. `auth` signs in, `viem` is what both are built on. */
const PACKAGES = [
  '@lit-protocol/lit-client@8.3.1',
  '@lit-protocol/networks@8.4.1',
  '@lit-protocol/auth@8.2.3',
  'viem@2.38.3',
]
/** The conditions name their chains themselves; this one is only the default of the request. */
const CHAIN = 'ethereum'
const SESSION_MS = 10 * 60_000

interface LitClient {
  encrypt(request: object): Promise<{ ciphertext: string; dataToEncryptHash: string }>
  decrypt(request: object): Promise<{ decryptedData: Uint8Array }>
  disconnect(): unknown
}
interface AuthManager {
  createEoaAuthContext(request: object): Promise<object>
}
interface Sdk {
  readonly client: { createLitClient(options: object): Promise<LitClient> }
  readonly networks: { readonly naga: object }
  readonly auth: { createAuthManager(options: object): AuthManager }
}

export interface LitSdkOptions {
  /** The folder the SDK was installed into, `<data folder>/lit`. */
  readonly dir: string
  /** The wallet; throws its own error while it is locked. */
  readonly signer: () => OwnerSigner
}

/**
 * Loads the Lit SDK from its folder and reaches the network. It weighs a gigabyte, so it is not part of Sower: whoever wants it installs it.
 * @throws {AppError} `LIT_UNAVAILABLE` with the command when it is not installed; else what the SDK throws
 */
export async function connectLit({ dir, signer }: LitSdkOptions): Promise<LitNetwork> {
  const { client, networks, auth } = await loadSdk(dir)
  const lit = await client.createLitClient({ network: networks.naga })
  return {
    encrypt: async (plain, conditions) =>
      lit.encrypt({ dataToEncrypt: plain, unifiedAccessControlConditions: conditions, chain: CHAIN }),
    decrypt: async (part) => decrypt(lit, auth.createAuthManager({ storage: forgetful }), signer(), part),
    close: async () => {
      await lit.disconnect()
    },
  }
}

async function decrypt(
  lit: LitClient,
  manager: AuthManager,
  signer: OwnerSigner,
  part: LitPart,
): Promise<Uint8Array> {
  const authContext = await manager.createEoaAuthContext({
    litClient: lit,
    config: { account: ethereumAccount(signer) },
    authConfig: {
      domain: 'localhost',
      statement: 'Sower asks for the key of an item that was shared under conditions.',
      resources: [['access-control-condition-decryption', '*']],
      expiration: new Date(Date.now() + SESSION_MS).toISOString(),
    },
  })
  try {
    const { decryptedData } = await lit.decrypt({
      ciphertext: part.ciphertext,
      dataToEncryptHash: part.dataToEncryptHash,
      unifiedAccessControlConditions: part.conditions,
      authContext,
      chain: CHAIN,
    })
    return decryptedData
  } catch (error) {
    if (isRefusal(error)) throw conditionsUnmet()
    throw error
  }
}

/** The network says “these conditions are not fulfilled” in the text of an error or of its cause, and nowhere else. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return /not.?authorized/i.test(error.message) || isRefusal(error.cause)
}

async function loadSdk(dir: string): Promise<Sdk> {
  const from = createRequire(path.join(dir, 'package.json'))
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(from.resolve(name)).href)
  try {
    const [client, networks, auth] = await Promise.all(
      ['@lit-protocol/lit-client', '@lit-protocol/networks', '@lit-protocol/auth'].map(load),
    )
    return { client, networks, auth } as Sdk
  } catch (cause) {
    throw new AppError(
      'LIT_UNAVAILABLE',
      'This item’s key is kept by the Lit network, and its SDK is not installed.',
      {
        cause,
        hint: `Install it with: npm install --ignore-scripts --prefix "${dir}" ${PACKAGES.join(' ')}`,
      },
    )
  }
}

/** An Ethereum account that signs with the owner key, without the SDK ever seeing that. */
function ethereumAccount(signer: OwnerSigner): object {
  return {
    type: 'local',
    source: 'custom',
    address: ethereumAddress(signer.publicKey),
    signMessage: ({ message }: { message: string }) => Promise.resolve(signMessage(signer, message)),
  }
}

/**
 * The Ethereum address of an owner key, with the checksum in its letters.
 * @param publicKey 66 hex
 * @see EIP-55
 */
export function ethereumAddress(publicKey: string): string {
  const point = secp256k1.Point.fromHex(publicKey).toBytes(false)
  const address = Buffer.from(keccak_256(point.subarray(1)))
    .subarray(12)
    .toString('hex')
  const checksum = Buffer.from(keccak_256(Buffer.from(address, 'ascii'))).toString('hex')
  const cased = address.replace(/[a-f]/g, (letter, at: number) =>
    parseInt(checksum.charAt(at), 16) >= 8 ? letter.toUpperCase() : letter,
  )
  return `0x${cased}`
}

/** @see EIP-191, version 0x45 */
export function signMessage(signer: OwnerSigner, message: string): string {
  const text = Buffer.from(message, 'utf8')
  const hash = keccak_256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${text.length}`), text]))
  const compact = signer.sign(hash)
  const signature = secp256k1.Signature.fromBytes(compact, 'compact')
  const recovery = [0, 1].find(
    (bit) => signature.addRecoveryBit(bit).recoverPublicKey(hash).toHex(true) === signer.publicKey,
  )
  if (recovery === undefined) throw new Error('a signature does not give back the key it was made with')
  return `0x${Buffer.from(compact).toString('hex')}${(27 + recovery).toString(16)}`
}

/** The SDK keeps sessions in a file unless it is told otherwise; here they end with the question. */
const forgetful = {
  config: {},
  read: () => Promise.resolve(null),
  write: () => Promise.resolve(),
  readInnerDelegationAuthSig: () => Promise.resolve(null),
  writeInnerDelegationAuthSig: () => Promise.resolve(),
  readPKPTokens: () => Promise.resolve(null),
  writePKPTokens: () => Promise.resolve(),
}
