import type { AccessRule } from '../../app/contract/index.ts'
import { shortId } from '../format/names.ts'
import { t } from '../strings/t.ts'

/** One line for each thing that fulfils a rule of alternatives; a rule of anything else is one line. */
export function ruleLines(rule: AccessRule): string[] {
  return rule.kind === 'any' ? rule.of.map((part) => words(part, false)) : [words(rule, false)]
}

function words(rule: AccessRule, isInside: boolean): string {
  switch (rule.kind) {
    case 'wallet':
      return t('rule.wallet', { address: shortId(rule.address), chain: rule.chain })
    case 'token': {
      const { standard, contract, chain, atLeast, tokenId } = rule
      const token = { amount: atLeast, contract: shortId(contract), chain }
      if (tokenId !== undefined) return t('rule.numbered', { ...token, number: tokenId })
      return t(standard === 'ERC20' ? 'rule.coin' : 'rule.nft', token)
    }
    case 'all':
    case 'any': {
      const joined = rule.of
        .map((part) => words(part, true))
        .join(t(rule.kind === 'all' ? 'rule.and' : 'rule.or'))
      return isInside && rule.of.length > 1 ? t('rule.group', { rule: joined }) : joined
    }
  }
}
