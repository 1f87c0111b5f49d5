import type { AccessLevel } from '../contract/index.ts'

/** Who asks: nobody in particular, or whoever proved to hold `publicKey` (66 hex). */
export type Reader =
  | { readonly kind: 'stranger' }
  | {
      readonly kind: 'bearer'
      readonly publicKey: string
      /** The owner of the node that is asked. */
      readonly isNodeOwner: boolean
    }

/** What a manifest says of who may read its item; rows of the library fit as they are. */
export interface AccessRule {
  readonly accessLevel: AccessLevel
  /** 66 hex: who published it. */
  readonly owner: string
  /** Owner keys of others; counts for `shared` and `organization` alone. */
  readonly sharedWith: readonly string[]
}

/**
 * The privacy filter: whether `reader` may have the stored bytes of an item, its manifest and its torrent, or know that it
 * is here at all. Public items are everybody's; the rest its publisher's and the node's owner's, and of `shared` and
 * `organization` (whose members are listed by key) those of whom it says so. Every route, call and search asks this and
 * nothing else. Pure.
 */
export function canRead(reader: Reader, { accessLevel, owner, sharedWith }: AccessRule): boolean {
  if (accessLevel === 'public') return true
  if (reader.kind === 'stranger') return false
  if (reader.isNodeOwner || reader.publicKey === owner) return true
  return accessLevel !== 'private' && sharedWith.includes(reader.publicKey)
}

/**
 * Whether anybody may be told in the network that there is such an item: of public ones in the clear, and of encrypted ones that
 * are shared. What is private is never told of, encrypted or not.
 */
export function isTold(accessLevel: AccessLevel, isEncrypted: boolean): boolean {
  return accessLevel === 'public' ? !isEncrypted : accessLevel !== 'private' && isEncrypted
}
