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

/** The rule a draft has become; null while something is missing. The engine has the last word. */
export function ruleOf({ kind, address, chain, atLeast }: ConditionDraft): AccessRule | null {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || !/^[a-zA-Z][a-zA-Z0-9]{1,31}$/.test(chain)) return null
  if (kind === 'wallet') return { kind, address, chain }
  if (!/^[1-9][0-9]{0,77}$/.test(atLeast)) return null
  return { kind: 'token', standard: kind, contract: address, chain, atLeast }
}
