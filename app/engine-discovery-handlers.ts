import { AppError } from './contract/index.ts'
import type { EngineHandlers } from './contract/index.ts'

type DiscoveryCall =
  Extract<keyof EngineHandlers, `discovery.${string}` | `following.${string}`> | 'fetching.setPriority'

/** What others published, and whom one follows. */
export function discoveryHandlers(): Pick<EngineHandlers, DiscoveryCall> {
  const notYet = async (): Promise<never> => {
    throw new AppError('UNAVAILABLE', 'This is not built yet.')
  }
  return {
    'fetching.setPriority': notYet,
    'discovery.search': notYet,
    'discovery.item': notYet,
    'discovery.publisher': notYet,
    'discovery.refresh': notYet,
    'following.list': notYet,
    'following.add': notYet,
    'following.remove': notYet,
  }
}
