import type { AccessRule } from '../../app/contract/index.ts'

/** What has been typed so far. */
export interface ConditionDraft {
  readonly kind: 'wallet' | 'ERC20' | 'ERC721'
  /** Of the wallet, or of the token's contract. */
  readonly address: string
  readonly chain: string
  readonly atLeast: string
}

export const EMPTY_CONDITION: ConditionDraft = {
  kind: 'wallet',
  address: '',
  chain: 'ethereum',
  atLeast: '1',
}

/** As many as the form has rows for. */
export const MAX_ROWS = 8

/** The form as it would have been filled in for a rule; null when it has no fields for that. */
export function draftsOf(
  rule: AccessRule,
): { readonly join: 'any' | 'all'; readonly drafts: readonly ConditionDraft[] } | null {
  const isGroup = rule.kind === 'any' || rule.kind === 'all'
  const drafts = (isGroup ? rule.of : [rule]).map(draftOf).filter((draft) => draft !== null)
  if (drafts.length > MAX_ROWS || (isGroup && drafts.length < rule.of.length) || drafts.length === 0)
    return null
  return { join: isGroup ? rule.kind : 'any', drafts }
}

function draftOf(rule: AccessRule): ConditionDraft | null {
  if (rule.kind === 'wallet') return { ...EMPTY_CONDITION, address: rule.address, chain: rule.chain }
  if (rule.kind !== 'token' || rule.standard === 'ERC1155') return null
  return { kind: rule.standard, address: rule.contract, chain: rule.chain, atLeast: rule.atLeast }
}

/** The rule a draft has become; null while something is missing. The engine has the last word. */
export function ruleOf({ kind, address, chain, atLeast }: ConditionDraft): AccessRule | null {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || !/^[a-zA-Z][a-zA-Z0-9]{1,31}$/.test(chain)) return null
  if (kind === 'wallet') return { kind, address, chain }
  if (!/^[1-9][0-9]{0,77}$/.test(atLeast)) return null
  return { kind: 'token', standard: kind, contract: address, chain, atLeast }
}
