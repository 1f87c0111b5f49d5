import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import { MediaKind } from '../contract/index.ts'
import type { Context } from './context.ts'
import { followCommand, followingCommand, searchCommand, unfollowCommand } from './discovery-commands.ts'
import type { SearchOptions } from './discovery-commands.ts'
import { personName } from './option-values.ts'

/** Finding what others published, and following them. */
export function addDiscoveryCommands(
  add: (usage: string, description: string) => Command,
  contextOf: (command: Command) => Context,
): void {
  add('follow <publisher>', 'look for what somebody publishes: by their card, their key or a link of theirs')
    .option('--name <name>', 'what you call them', personName)
    .action(async (publisher: string, options: { name?: string }, command: Command) => {
      await followCommand(contextOf(command), publisher, options)
    })
  add('unfollow <publisher>', 'no longer look for what somebody publishes').action(
    async (publisher: string, _: unknown, command: Command) => {
      await unfollowCommand(contextOf(command), publisher)
    },
  )
  add('following', 'list whom you follow').action(async (_: unknown, command: Command) => {
    await followingCommand(contextOf(command))
  })
  add('search [words...]', 'find what is known: in the library, and of what others published')
    .addOption(new Option('--type <kind>', 'only of this kind').choices(MediaKind.options))
    .option('--owner <publisher>', 'only of this publisher: owner key, card, or what you call them')
    .option('--followed', 'only of those you follow', false)
    .option('--limit <number>', 'at most so many, 1 to 100', parseLimit, 20)
    .action(async (words: string[], options: SearchOptions, command: Command) => {
      await searchCommand(contextOf(command), words, options)
    })
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw new InvalidArgumentError('It must be a number from 1 to 100.')
  return limit
}
