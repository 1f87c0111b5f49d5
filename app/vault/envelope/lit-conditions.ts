import { z } from 'zod'
import { AppError } from '../../contract/index.ts'

const Address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'an address of 0x and 40 hexadecimal digits expected')
/** A chain by the network's own name for it, such as `ethereum` or `polygon`. */
const Chain = z.string().regex(/^[a-zA-Z][a-zA-Z0-9]{1,31}$/, 'the name of a chain expected')
const Whole = z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'a whole number expected')

const MAX_CONDITIONS = 32
const MAX_DEPTH = 4

/** Who may have a key, in the few words the form offers. */
export type LitRule =
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
  | { readonly kind: 'all' | 'any'; readonly of: readonly LitRule[] }

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
    return z.array(LitRule).min(1).max(MAX_CONDITIONS)
  },
})
export const LitRule: z.ZodType<LitRule> = z.union([Wallet, Token, Group])

/** One of the network's unified conditions, an operator between two, or a group of them. */
export type LitCondition =
  | {
      readonly conditionType: 'evmBasic'
      readonly contractAddress: string
      readonly standardContractType: string
      readonly chain: string
      readonly method: string
      readonly parameters: readonly string[]
      readonly returnValueTest: { readonly comparator: string; readonly value: string }
    }
  | { readonly operator: 'and' | 'or' }
  | readonly LitCondition[]

/**
 * A rule in the network's own form, as the envelope carries it.
 * @throws {AppError} `BAD_REQUEST` when a rule is not valid, is nested more than four deep, or asks for more than 32 things
 * @see https://developer.litprotocol.com, “Unified access control conditions”
 */
export function litConditionsOf(rule: LitRule): LitCondition[] {
  const parsed = isShallow(rule) ? LitRule.safeParse(rule) : undefined
  if (parsed?.success !== true || leavesOf(parsed.data) > MAX_CONDITIONS) {
    const why = parsed?.error?.issues[0]?.message ?? 'there are too many of them'
    throw new AppError('BAD_REQUEST', `These conditions can't be used: ${why}. Nothing was shared.`)
  }
  const conditions = translate(parsed.data)
  return isGroup(conditions) ? [...conditions] : [conditions]
}

function translate(rule: LitRule): LitCondition {
  switch (rule.kind) {
    case 'wallet':
      return evmBasic(rule.chain, '', '', '', [':userAddress'], '=', rule.address)
    case 'token': {
      const { chain, contract, standard, tokenId, atLeast } = rule
      const parameters = tokenId === undefined ? [':userAddress'] : [':userAddress', tokenId]
      return evmBasic(chain, contract, standard, 'balanceOf', parameters, '>=', atLeast)
    }
    case 'all':
    case 'any': {
      const operator = rule.kind === 'all' ? 'and' : 'or'
      return rule.of.flatMap((part, i) =>
        i === 0 ? [translate(part)] : [{ operator } as const, translate(part)],
      )
    }
  }
}

function evmBasic(
  chain: string,
  contractAddress: string,
  standardContractType: string,
  method: string,
  parameters: readonly string[],
  comparator: string,
  value: string,
): LitCondition {
  const returnValueTest = { comparator, value }
  return {
    conditionType: 'evmBasic',
    contractAddress,
    standardContractType,
    chain,
    method,
    parameters,
    returnValueTest,
  }
}

function isGroup(condition: LitCondition): condition is readonly LitCondition[] {
  return Array.isArray(condition)
}

function leavesOf(rule: LitRule): number {
  return 'of' in rule ? rule.of.reduce((sum, part) => sum + leavesOf(part), 0) : 1
}

/** Looks before the recursive schema does. */
function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || !('of' in value) || !Array.isArray(value.of)) return true
  return depth < MAX_DEPTH && value.of.every((part) => isShallow(part, depth + 1))
}
