import { z } from 'zod'
import { AccessRule, AppError } from '../../contract/index.ts'

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

const MAX_DEPTH = 8
const MAX_PARTS = 128
const Operator = z.strictObject({ operator: z.enum(['and', 'or']) })
const Leaf = z.strictObject({
  conditionType: z.literal('evmBasic'),
  contractAddress: z.string(),
  standardContractType: z.string(),
  chain: z.string(),
  method: z.string(),
  parameters: z.array(z.string()).min(1).max(2),
  returnValueTest: z.strictObject({ comparator: z.string(), value: z.string() }),
})

/**
 * A rule in the network's own form, as the envelope carries it.
 * @throws {AppError} `BAD_REQUEST` when it is not valid, is nested more than four deep, or asks for more than 32 things
 * @see https://developer.litprotocol.com, “Unified access control conditions”
 */
export function litConditionsOf(rule: AccessRule): LitCondition[] {
  const parsed = AccessRule.safeParse(rule)
  if (!parsed.success) {
    const why = parsed.error.issues[0]?.message ?? 'they are not valid'
    throw new AppError('BAD_REQUEST', `These conditions can't be used: ${why}. Nothing was shared.`)
  }
  const conditions = translate(parsed.data)
  return isGroup(conditions) ? [...conditions] : [conditions]
}

/** The rule that conditions in the network's own form came from; undefined when none of Sower's says the same. */
export function ruleOfConditions(conditions: readonly unknown[]): AccessRule | undefined {
  return AccessRule.safeParse(ruleOfPart(conditions, 0)).data
}

/** Whatever comes out is checked as a whole by its schema. */
function ruleOfPart(part: unknown, depth: number): unknown {
  if (Array.isArray(part)) {
    if (depth > MAX_DEPTH || part.length > MAX_PARTS) return undefined
    const [first, ...rest] = part as unknown[]
    if (rest.length === 0) return ruleOfPart(first, depth + 1)
    const between = part.filter((_, i) => i % 2 === 1)
    const [operator, ...others] = new Set(between.map((one) => Operator.safeParse(one).data?.operator))
    if (part.length % 2 === 0 || operator === undefined || others.length > 0) return undefined
    const of = part.filter((_, i) => i % 2 === 0).map((one) => ruleOfPart(one, depth + 1))
    return { kind: operator === 'and' ? 'all' : 'any', of }
  }
  const leaf = Leaf.safeParse(part).data
  if (leaf === undefined) return undefined
  const { chain, method, parameters, contractAddress, standardContractType: standard, returnValueTest } = leaf
  const [who, tokenId] = parameters
  if (who !== ':userAddress') return undefined
  const { comparator, value } = returnValueTest
  if (method === '' && contractAddress === '' && comparator === '=')
    return { kind: 'wallet', chain, address: value }
  if (method !== 'balanceOf' || comparator !== '>=') return undefined
  const token = { kind: 'token', standard, contract: contractAddress, chain, atLeast: value }
  return tokenId === undefined ? token : { ...token, tokenId }
}

function translate(rule: AccessRule): LitCondition {
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
