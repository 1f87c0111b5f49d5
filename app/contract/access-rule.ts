import { z } from 'zod'

const Address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'an address of 0x and 40 hexadecimal digits expected')
/** A chain by Lit's own name for it, such as `ethereum` or `polygon`. */
const Chain = z.string().regex(/^[a-zA-Z][a-zA-Z0-9]{1,31}$/, 'the name of a chain expected')
const Whole = z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'a whole number expected')

const MAX_CONDITIONS = 32
const MAX_DEPTH = 4

/** Who may have an item's key through Lit, in four words. */
export type AccessRule =
  | { readonly kind: 'wallet'; readonly address: string; readonly chain: string }
  | {
      readonly kind: 'token'
      readonly standard: 'ERC20' | 'ERC721' | 'ERC1155'
      readonly contract: string
      readonly chain: string
      /** In the token's smallest unit. */
      readonly atLeast: string
      /** Of ERC-1155 only. */
      readonly tokenId?: string | undefined
    }
  | { readonly kind: 'all' | 'any'; readonly of: readonly AccessRule[] }

const Wallet = z.strictObject({ kind: z.literal('wallet'), address: Address, chain: Chain })
const Token = z
  .strictObject({
    kind: z.literal('token'),
    standard: z.enum(['ERC20', 'ERC721', 'ERC1155']),
    contract: Address,
    chain: Chain,
    atLeast: Whole.refine((amount) => amount !== '0', { message: 'at least 1 expected' }),
    tokenId: Whole.optional(),
  })
  .refine(({ standard, tokenId }) => (standard === 'ERC1155') === (tokenId !== undefined), {
    message: 'a token number is for ERC1155, and needed there',
    path: ['tokenId'],
  })
const Group = z.strictObject({
  kind: z.enum(['all', 'any']),
  get of() {
    return z.array(AnyRule).min(1).max(MAX_CONDITIONS)
  },
})
const AnyRule: z.ZodType<AccessRule> = z.union([Wallet, Token, Group])

/** At most 32 conditions, in groups at most four deep. */
export const AccessRule: z.ZodType<AccessRule> = z
  .unknown()
  .refine((value) => isShallow(value), { message: 'groups at most four deep expected', abort: true })
  .pipe(AnyRule)
  .refine((rule) => leavesOf(rule) <= MAX_CONDITIONS, { message: 'at most 32 conditions expected' })

function leavesOf(rule: AccessRule): number {
  return 'of' in rule ? rule.of.reduce((sum, part) => sum + leavesOf(part), 0) : 1
}

/** Looks before the recursive schema does. */
function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || !('of' in value) || !Array.isArray(value.of)) return true
  return depth < MAX_DEPTH && value.of.every((part) => isShallow(part, depth + 1))
}
