import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { canonicalJson } from '../../app/manifest/index.ts'

/** What the stand-in for the network knows, and what was asked of it. */
export interface LitStandIn {
  /** `<chain>/<contract>/<token number or empty>/<address>` to an amount, all lowercase. */
  readonly balances: Map<string, bigint>
  /** Set: every question fails with this. */
  failure: Error | undefined
  /** Set: questions are never answered. */
  isSilent: boolean
  /** How long every question takes. */
  delayMs: number
  connections: number
  closed: number
}

interface Condition {
  readonly operator?: 'and' | 'or'
  readonly contractAddress: string
  readonly chain: string
  readonly parameters: readonly string[]
  readonly returnValueTest: { readonly comparator: string; readonly value: string }
}
type Conditions = readonly (Condition | Conditions)[]

interface Request {
  readonly dataToEncrypt: Uint8Array
  readonly ciphertext: string
  readonly dataToEncryptHash: string
  readonly unifiedAccessControlConditions: Conditions
  readonly authContext: { readonly address: string }
}

/** What the packages of the SDK export. */
interface StandInSdk {
  readonly createLitClient: (options: { network: { name: string } }) => Promise<object>
  readonly createAuthManager: () => object
  readonly naga: { readonly name: string }
}

export function newStandIn(): LitStandIn {
  return {
    balances: new Map(),
    failure: undefined,
    isSilent: false,
    delayMs: 0,
    connections: 0,
    closed: 0,
  }
}

/** The SDK over a network that is `state`. */
export function standInSdk(state: LitStandIn): StandInSdk {
  const answer = async <T>(make: () => T): Promise<T> => {
    if (state.isSilent) await new Promise(() => undefined)
    await sleep(state.delayMs)
    if (state.failure !== undefined) throw state.failure
    return make()
  }
  return {
    createLitClient: async ({ network }) =>
      answer(() => {
        if (network.name !== 'naga') throw new Error('another network')
        state.connections += 1
        return {
          encrypt: async (request: Request) => answer(() => encrypt(request)),
          decrypt: async (request: Request) => answer(() => decrypt(request, state.balances)),
          disconnect: () => {
            state.closed += 1
          },
        }
      }),
    createAuthManager: () => ({ createEoaAuthContext: signIn }),
    naga: { name: 'naga' },
  }
}

/** The SDK in another process than the test's: how it behaves is in a file, looked at for every question. */
export function standInSdkOf(file: string): StandInSdk {
  const state = newStandIn()
  const look = (): { failure?: string; delayMs?: number } => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as { failure?: string; delayMs?: number }
    } catch {
      return {}
    }
  }
  return standInSdk({
    ...state,
    get delayMs() {
      return look().delayMs ?? 0
    },
    get failure() {
      const { failure } = look()
      return failure === undefined ? undefined : new Error(failure)
    },
  })
}

function keyOf(conditions: unknown, hash: string): Buffer {
  // Like Lit, it knows the same conditions again whatever the order of their fields.
  return createHash('sha256').update(canonicalJson(conditions)).update(hash).digest()
}

function encrypt({ dataToEncrypt, unifiedAccessControlConditions }: Request) {
  const hash = createHash('sha256').update(dataToEncrypt).digest('hex')
  const cipher = createCipheriv('aes-256-gcm', keyOf(unifiedAccessControlConditions, hash), Buffer.alloc(12))
  const ciphertext = Buffer.concat([cipher.update(dataToEncrypt), cipher.final(), cipher.getAuthTag()])
  return { ciphertext: ciphertext.toString('base64'), dataToEncryptHash: hash }
}

function decrypt(request: Request, balances: LitStandIn['balances']) {
  const { unifiedAccessControlConditions, dataToEncryptHash, authContext } = request
  if (!isFulfilled(unifiedAccessControlConditions, authContext.address, balances)) {
    throw new Error('Decryption failed', {
      cause: new Error('NodeNotAuthorized: conditions returned not authorized'),
    })
  }
  const bytes = Buffer.from(request.ciphertext, 'base64')
  const key = keyOf(unifiedAccessControlConditions, dataToEncryptHash)
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(-16))
  return {
    decryptedData: new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()])),
  }
}

function isFulfilled(
  conditions: Conditions | Condition,
  address: string,
  balances: LitStandIn['balances'],
): boolean {
  if (isGroup(conditions)) {
    const operators = conditions.flatMap((part) => (isGroup(part) ? [] : [part.operator ?? []].flat()))
    const results = conditions
      .filter((part) => isGroup(part) || part.operator === undefined)
      .map((part) => isFulfilled(part, address, balances))
    return operators.includes('or') ? results.includes(true) : !results.includes(false)
  }
  const { contractAddress, chain, parameters, returnValueTest } = conditions
  if (contractAddress === '') return returnValueTest.value.toLowerCase() === address.toLowerCase()
  const owned =
    balances.get(`${chain}/${contractAddress}/${parameters[1] ?? ''}/${address}`.toLowerCase()) ?? 0n
  return owned >= BigInt(returnValueTest.value)
}

function isGroup(value: Conditions | Condition): value is Conditions {
  return Array.isArray(value)
}

/** Believes an address only after a signature of it over a text of its own (EIP-191). */
async function signIn({
  config,
}: {
  config: { account: { address: string; signMessage(input: { message: string }): Promise<string> } }
}): Promise<{ address: string }> {
  const { address } = config.account
  const message = `localhost wants you to sign in with your account ${address}: ${Math.random()}`
  const bytes = Buffer.from((await config.account.signMessage({ message })).slice(2), 'hex')
  const hash = keccak_256(Buffer.from(`\x19Ethereum Signed Message:\n${message.length}${message}`))
  const signature = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact')
  const point = signature
    .addRecoveryBit((bytes[64] ?? 0) - 27)
    .recoverPublicKey(hash)
    .toBytes(false)
  const signer = `0x${Buffer.from(keccak_256(point.subarray(1)))
    .subarray(12)
    .toString('hex')}`
  if (signer !== address.toLowerCase()) throw new Error('another address signed')
  return { address }
}
