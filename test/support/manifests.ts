import { readFileSync } from 'node:fs'
import { AppError } from '../../app/contract/index.ts'
import { buildManifest, signManifest } from '../../app/manifest/index.ts'
import { manifestHash } from '../../app/manifest/canonical.ts'
import type { Manifest, ManifestInput } from '../../app/manifest/index.ts'
import { testSigner } from '../unit/manifest/owner.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export const signer = testSigner()

/** A small public item, but for what is said otherwise. */
export function inputOf(overrides: Partial<ManifestInput> = {}): ManifestInput {
  return {
    mediaId: 'a'.repeat(64),
    sizeBytes: 12,
    mime: 'text/plain',
    name: 'a.txt',
    createdAt: 1_700_000_000_000,
    accessLevel: 'public',
    owner: signer.publicKey,
    ...overrides,
  }
}

/** Its manifest. */
export function signed(overrides: Partial<ManifestInput> = {}): Manifest {
  return signManifest(buildManifest(inputOf(overrides)), signer)
}

/** Signs whatever it is given, as somebody else's program might. */
export function signAnything(value: object, oip: object = {}, by = signer): unknown {
  const unsigned = { ...value, oip: { creatorPubKey: by.publicKey, ...oip } }
  const hash = Buffer.from(manifestHash(unsigned), 'hex')
  return {
    ...unsigned,
    oip: { ...unsigned.oip, creatorSig: Buffer.from(by.sign(hash)).toString('base64url') },
  }
}

/** What was thrown, as code and reason. */
export function refusal(act: () => unknown): { code: string; reason: unknown } {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, reason: error.details?.['reason'] }
    throw error
  }
  throw new Error('it was not refused')
}

/** A file of `test/fixtures/manifest`. */
export function golden(name: string): { text: string; value: unknown } {
  const text = readFileSync(new URL(`../fixtures/manifest/${name}.json`, import.meta.url), 'utf8')
  return { text, value: JSON.parse(text) }
}
