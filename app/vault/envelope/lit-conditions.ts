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
