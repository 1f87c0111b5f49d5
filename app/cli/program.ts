import { Argument, Command, Option } from 'commander'
import { resolve } from 'node:path'
import { defaultDataDir } from '../config.ts'
import { VERSION } from '../version.ts'
import { addCommand } from './add-command.ts'
import type { AddOptions } from './add-command.ts'
import type { Context } from './context.ts'
import { addDiscoveryCommands } from './discovery-program.ts'
import { getCommand } from './get-command.ts'
import type { GetOptions } from './get-command.ts'
import {
  listCommand,
  rebuildCommand,
  removeCommand,
  restoreCommand,
  scrubCommand,
} from './library-commands.ts'
import { pauseCommand, statusCommand, tokenCommand } from './node-commands.ts'
import { collect, fileToAdd, nonEmpty } from './option-values.ts'
import { parseDuration } from './duration.ts'
import { serveCommand } from './serve-command.ts'
import {
  encryptCommand,
  rotateCommand,
  saveCommand,
  shareCommand,
  unshareCommand,
} from './sharing-commands.ts'
import type { ShareOptions, UnshareOptions } from './sharing-commands.ts'
import { settingFlags, settingOptions } from './setting-options.ts'
import { Terminal } from './terminal.ts'
import { addContactCommands, addWalletCommands } from './wallet-program.ts'

interface GlobalOptions extends Readonly<Record<string, unknown>> {
  readonly json?: boolean
  readonly dataDir?: string
}

/**
 * The `sower` command: what it understands and what each part calls.
 * @param signal fires when the command is to end early
 */
export function buildProgram(signal: AbortSignal): Command {
  const program = new Command('sower')
    .description('Keep media available, owned and private.')
    .version(VERSION, '-V, --version', 'say which version this is')
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()

  const contextOf = (command: Command): Context => {
    const options = command.optsWithGlobals<GlobalOptions>()
    const terminal = new Terminal({ isJson: options.json === true })
    return {
      terminal,
      signal,
      node: {
        dataDir: options.dataDir === undefined ? defaultDataDir() : resolve(options.dataDir),
        flags: settingFlags(options),
        env: process.env,
        say: (sentence) => terminal.say(sentence),
      },
    }
  }

  const add = (usage: string, description: string, group: Command = program): Command => {
    const command = group.command(usage).description(description)
    command.option('--json', 'print one JSON value; errors as JSON on standard error')
    command.option('--data-dir <dir>', 'the node’s data folder (SOWER_DATA_DIR)', nonEmpty)
    for (const option of settingOptions(usage)) command.addOption(option)
    return command
  }

  add('serve', 'run a node without a window')
    .addOption(
      new Option(
        '--log-level <level>',
        'what is also logged to standard error: error, warn, info or debug',
      ).default('error'),
    )
    .action(async (options: { logLevel: string }, command: Command) => {
      await serveCommand(contextOf(command), options.logLevel)
    })
  add('add', 'store files and say how they can be fetched')
    .addArgument(new Argument('<files...>').argParser(fileToAdd))
    .addOption(
      new Option('--access <level>', 'who may have it').choices(['public', 'private']).default('private'),
    )
    .addOption(
      new Option('--storage <how>', 'share blocks or copy (auto), always copy, or hard-link the file')
        .choices(['auto', 'copy', 'link'])
        .default('auto'),
    )
    .option('--encrypt', 'encrypt it: only you, and whom you share it with, can read it', false)
    .option(
      '--to <card>',
      'encrypt it and let somebody read it: their card, or a contact (repeatable)',
      collect,
      [],
    )
    .action(async (files: string[], options: AddOptions, command: Command) => {
      await addCommand(contextOf(command), files, options)
    })
  add('get', 'fetch by link, magnet, mediaId, infoHash or address, verify and keep')
    .addArgument(new Argument('<link>').argParser(nonEmpty))
    .option(
      '--from <source>',
      'where to fetch: http(s)://… of a node, or host:port of a peer (repeatable)',
      collect,
      [],
    )
    .option('--out <file>', 'also write a copy there', nonEmpty)
    .option('--force', 'replace the file of --out', false)
    .option('--seed', 'seed it afterwards')
    .option('--no-seed', 'do not seed it afterwards')
    .option('--wait', 'go on looking while nobody has it, instead of giving up', false)
    .action(async (link: string, options: GetOptions, command: Command) => {
      await getCommand(contextOf(command), link, options)
    })
  add('ls', 'list what is kept')
    .option('--trash', 'list what was removed and can be restored')
    .action(async (options: { trash?: true }, command: Command) => {
      await listCommand(contextOf(command), options.trash === true)
    })
  add('rm <mediaIds...>', 'move items to the trash').action(
    async (ids: string[], _: unknown, command: Command) => {
      await removeCommand(contextOf(command), ids)
    },
  )
  add('restore <mediaIds...>', 'bring items back from the trash').action(
    async (ids: string[], _: unknown, command: Command) => {
      await restoreCommand(contextOf(command), ids)
    },
  )
  addSharingCommands(add, contextOf)
  addDiscoveryCommands(add, contextOf)
  addWalletCommands(program, { add, contextOf })
  addContactCommands(program, { add, contextOf })
  add('status', 'say how the node is').action(async (_: unknown, command: Command) => {
    await statusCommand(contextOf(command))
  })
  add('token', 'print a token of this node’s owner for the HTTP API').action(
    async (_: unknown, command: Command) => {
      await tokenCommand(contextOf(command))
    },
  )
  add('pause', 'stop all swarm traffic').action(async (_: unknown, command: Command) => {
    await pauseCommand(contextOf(command), true)
  })
  add('resume', 'go on after “pause”').action(async (_: unknown, command: Command) => {
    await pauseCommand(contextOf(command), false)
  })
  add('rebuild', 'make the database anew from the media folder').action(
    async (_: unknown, command: Command) => {
      await rebuildCommand(contextOf(command))
    },
  )
  add('scrub [mediaIds...]', 'read the stored bytes again and compare').action(
    async (ids: string[], _: unknown, command: Command) => {
      await scrubCommand(contextOf(command), ids)
    },
  )
  program.option('--json', 'print one JSON value; errors as JSON on standard error')
  program.option('--data-dir <dir>', 'the node’s data folder (SOWER_DATA_DIR)', nonEmpty)
  return program
}

/** Who can read an item, and what that takes. */
function addSharingCommands(
  add: (usage: string, description: string) => Command,
  contextOf: (command: Command) => Context,
): void {
  add('share <mediaId>', 'print the link that fetches an item; with --to, let people read it')
    .option('--to <card>', 'let somebody read it: their card, or a contact (repeatable)', collect, [])
    .option(
      '--conditions <file>',
      'let Lit’s network give the key to whoever fulfils the rule in this JSON file',
    )
    .option('--with-key', 'put the key into the link: whoever has the link can read the item', false)
    .option('--expires <time>', 'until when the link is meant to be used: 90m, 12h, 7d, 4w', parseDuration)
    .action(async (id: string, options: ShareOptions, command: Command) => {
      await shareCommand(contextOf(command), id, options)
    })
  add('unshare <mediaId>', 'encrypt an item anew, without some of those who could read it')
    .option('--from <person>', 'name, fingerprint, owner key or card (repeatable)', collect, [])
    .option('--conditions', 'whoever fulfils its conditions', false)
    .option('--reason <text>', 'what those who hold the old one are told', nonEmpty)
    .action(async (id: string, options: UnshareOptions, command: Command) => {
      if (options.from.length === 0 && !options.conditions)
        command.error('error: say who is not to read it any more, with --from or --conditions')
      await unshareCommand(contextOf(command), id, options)
    })
  add('encrypt <mediaId>', 'encrypt an item that is kept back in the clear')
    .option(
      '--to <card>',
      'let somebody else read it, too: their card, or a contact (repeatable)',
      collect,
      [],
    )
    .action(async (id: string, options: { to: string[] }, command: Command) => {
      await encryptCommand(contextOf(command), id, options)
    })
  add('rotate', 'encrypt items anew, because a key may be known')
    .requiredOption('--all', 'every encrypted item of one’s own')
    .action(async (_: unknown, command: Command) => {
      await rotateCommand(contextOf(command))
    })
  add('save <mediaId>', 'write the file itself, decrypted and checked')
    .requiredOption('--out <file>', 'where to', nonEmpty)
    .option('--force', 'replace a file that is there', false)
    .action(async (id: string, options: { out: string; force: boolean }, command: Command) => {
      await saveCommand(contextOf(command), id, options)
    })
}
