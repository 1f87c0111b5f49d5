import { Argument, Option } from 'commander'
import type { Command } from 'commander'
import {
  addContactCommand,
  listContactsCommand,
  removeContactCommand,
  renameContactCommand,
} from './contact-commands.ts'
import type { Context } from './context.ts'
import { personName } from './option-values.ts'
import {
  backupCommand,
  cardCommand,
  checkWordsCommand,
  createWalletCommand,
  restoreWalletCommand,
  showWalletCommand,
  unlockCommand,
  wordsCommand,
} from './wallet-commands.ts'
import type { BackupOptions, CreateOptions, RestoreOptions } from './wallet-commands.ts'

interface Making {
  /** Makes a command under a group, with the options every command has. */
  readonly add: (usage: string, description: string, group: Command) => Command
  readonly contextOf: (command: Command) => Context
}

/** `sower wallet …` */
export function addWalletCommands(program: Command, { add, contextOf }: Making): void {
  const wallet = program
    .command('wallet')
    .description('make, back up and restore the wallet of this node')
    .helpCommand(false)
  add('show', 'say whose it is, where it is kept, and whether it is backed up', wallet).action(
    async (_: unknown, command: Command) => {
      await showWalletCommand(contextOf(command))
    },
  )
  add('create', 'make another wallet, in place of one that nothing depends on', wallet)
    .addOption(new Option('--words <number>', 'how many words').choices(['12', '24']).default('12'))
    .option('--passphrase', 'ask for a passphrase beside the words')
    .option('--passphrase-file <file>', 'the passphrase, on the first line of a file')
    .action(async (options: CreateOptions, command: Command) => {
      await createWalletCommand(contextOf(command), options)
    })
  add('restore', 'bring a wallet back from its words (asked for) or a backup file', wallet)
    .option('--phrase-file <file>', 'the words, in a file (- for standard input)')
    .option('--passphrase', 'ask for the passphrase beside the words')
    .option('--passphrase-file <file>', 'the passphrase, on the first line of a file')
    .option('--backup-file <file>', 'a backup file instead of the words')
    .option('--password-file <file>', 'the password of the backup, on the first line of a file')
    .option('--replace', 'in place of a present wallet that is backed up', false)
    .action(async (options: RestoreOptions, command: Command) => {
      await restoreWalletCommand(contextOf(command), options)
    })
  add('card', 'print the card others need to share with you', wallet)
    .option('--name <name>', 'what you call yourself', personName)
    .option('--out <file>', 'write it to a file instead')
    .option('--force', 'replace the file of --out', false)
    .action(async (options: { name?: string; out?: string; force: boolean }, command: Command) => {
      await cardCommand(contextOf(command), options)
    })
  add('backup', 'write a file that, with its password, is the whole wallet', wallet)
    .requiredOption('--out <file>', 'where to')
    .option('--password-file <file>', 'its password, on the first line of a file')
    .option('--force', 'replace a file that is there', false)
    .action(async (options: BackupOptions, command: Command) => {
      await backupCommand(contextOf(command), options)
    })
  add('words', 'show the words of the wallet', wallet)
    .option('--yes', 'also where it is not a terminal that shows them', false)
    .action(async (options: { yes: boolean }, command: Command) => {
      await wordsCommand(contextOf(command), options)
    })
  add('check', 'ask for three of the words, to see that they were written down', wallet).action(
    async (_: unknown, command: Command) => {
      await checkWordsCommand(contextOf(command))
    },
  )
  add('unlock', 'open the wallet: with its passphrase, or the keychain once more', wallet)
    .option('--passphrase-file <file>', 'the passphrase, on the first line of a file')
    .action(async (options: { passphraseFile?: string }, command: Command) => {
      await unlockCommand(contextOf(command), options)
    })
}

/** `sower contacts …` */
export function addContactCommands(program: Command, { add, contextOf }: Making): void {
  const contacts = program
    .command('contacts')
    .description('the people you share with, by their cards')
    .helpCommand(false)
  add('ls', 'list them', contacts).action(async (_: unknown, command: Command) => {
    await listContactsCommand(contextOf(command))
  })
  add('add <card>', 'add somebody by their card: its link, its file, or - for standard input', contacts)
    .option('--name <name>', 'what you call them', personName)
    .action(async (card: string, options: { name?: string }, command: Command) => {
      await addContactCommand(contextOf(command), card, options)
    })
  add('rm <person>', 'remove somebody: name, fingerprint, owner key or card', contacts).action(
    async (person: string, _: unknown, command: Command) => {
      await removeContactCommand(contextOf(command), person)
    },
  )
  add('rename <person>', 'call somebody something else', contacts)
    .addArgument(new Argument('<name>').argParser(personName))
    .action(async (person: string, name: string, _: unknown, command: Command) => {
      await renameContactCommand(contextOf(command), person, name)
    })
}
