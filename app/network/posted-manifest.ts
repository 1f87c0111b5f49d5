import { AppError } from '../contract/index.ts'
import { verifyManifest, type Manifest } from '../manifest/index.ts'
import { readManifestNode } from './codec.ts'
import { unwrapJson } from './flat.ts'
import { mediaIdOfDid, type ForeignManifest } from './foreign.ts'

/** A manifest as somebody sent it over HTTP. */
export type PostedManifest =
  | { readonly kind: 'signed'; readonly manifest: Manifest }
  /** OIP's own: nobody signed it in a way we know. */
  | {
      readonly kind: 'unsigned'
      readonly mediaId: string
      readonly described: ForeignManifest
      readonly fields: Fields
    }

type Fields = Readonly<Record<string, unknown>>

/** What in a manifest is a list or an object and may come as JSON in a string: by name, as everywhere (OIP's `convertArraysForGUN`). */
const NESTED = [
  'transport.http',
  'transport.bittorrent.trackers',
  'transport.bittorrent.webSeeds',
  'transport.ipfs.gateways',
  'transport.arweave',
  'transport.irys',
  'transport.arfleet',
  'chunks.hashes',
  'encryption.sealed',
  'encryption.keyEnvelope.for',
  'encryption.keyEnvelope.keys',
  'accessControl.shared_with',
  'accessControl.permissions',
  'oip',
].map((path) => path.split('.'))

const MEDIA_ID = /^[0-9a-f]{64}$/

/**
 * Reads the forms a manifest is sent in: ours and the plan's (`id` at the top), OIP's (`media.id`) and its flat one (`mediaId`), lists as
 * they are or as JSON in a string. Pure.
 * @param body JSON from outside
 * @throws {AppError} `BAD_REQUEST` when it names no item; `SIGNATURE_INVALID`, `MANIFEST_INVALID` when it says that it is signed and that
 *   does not hold: it is then never taken as an unsigned one
 */
export function readPosted(body: unknown): PostedManifest {
  if (!isObject(body)) throw noManifest()
  const media = unwrapJson(body['media'])
  const inner = isObject(media) ? media : undefined
  const mediaId = [
    body['id'],
    inner?.['id'],
    body['mediaId'],
    typeof body['did'] === 'string' ? mediaIdOfDid(body['did'].slice(0, 128)) : undefined,
  ].find((named): named is string => typeof named === 'string' && MEDIA_ID.test(named))
  if (mediaId === undefined) throw noManifest()
  const restored = restoreNested(body)
  const nested = inner === undefined ? undefined : restoreNested(inner)
  // What was signed is tried as it was sent before anything in it is read differently.
  const claimed = [
    body,
    restored,
    ...(inner === undefined || nested === undefined ? [] : [inner, nested]),
    ...readManifestNode(body, mediaId).candidates,
  ].filter(isSigned)
  if (claimed.length > 0) return { kind: 'signed', manifest: firstThatHolds(claimed, mediaId) }
  const { foreign } = readManifestNode(
    nested === undefined ? restored : { ...restored, media: nested },
    mediaId,
  )
  if (foreign === undefined) throw noManifest()
  return { kind: 'unsigned', mediaId, described: foreign, fields: body }
}

function firstThatHolds(claimed: readonly unknown[], mediaId: string): Manifest {
  let failure: AppError | undefined
  for (const candidate of claimed) {
    try {
      return verifyManifest(candidate, { mediaId })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // A wrong signature says more than that the list in a string is no list.
      if (failure === undefined || error.code === 'SIGNATURE_INVALID') failure = error
    }
  }
  throw failure ?? noManifest()
}

function restoreNested(value: Fields): Fields {
  const copy = structuredClone(value) as Record<string, unknown> // it was parsed from JSON
  for (const path of NESTED) {
    let at: Record<string, unknown> = copy
    for (const name of path) {
      const held = Object.hasOwn(at, name) ? at[name] : undefined
      const found = typeof held === 'string' ? unwrapJson(held) : held
      if (typeof found !== 'object' || found === null) break
      if (found !== held) at[name] = found
      at = found as Record<string, unknown>
    }
  }
  return copy
}

function isSigned(value: unknown): boolean {
  if (!isObject(value)) return false
  const oip = unwrapJson(value['oip'])
  return isObject(oip) && oip['creatorSig'] !== undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function noManifest(): AppError {
  return new AppError('BAD_REQUEST', 'This is not a manifest: it names no item by its mediaId.', {
    hint: 'Send an object with “id”, or with “media.id”: 64 lowercase hex, the sha256 of the stored bytes.',
  })
}
