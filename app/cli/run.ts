import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { AppError } from '../contract/index.ts'
import { buildProgram } from './program.ts'
import { Terminal } from './terminal.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_CANCELLED = 130

/**
 * Runs one command.
 * @param args without the program's own name
 * @param signal fires when the command is to end early
 * @returns the exit status: 0, 1 for a failure, 2 for wrong usage, 130 when it was stopped by the user
 */
export async function runCli(args: readonly string[], signal: AbortSignal): Promise<number> {
  const terminal = new Terminal({ isJson: args.includes('--json') })
  const program = buildProgram(signal)
  for (const command of withSubcommands(program)) {
    command.exitOverride()
    // Said once, below, in the form that was asked for.
    command.configureOutput({ writeErr: () => undefined })
  }
  try {
    if (args.length === 0) {
      process.stdout.write(program.helpInformation())
      return EXIT_USAGE
    }
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      const message = error.code === 'commander.help' ? 'No command was given.' : sentence(error.message)
      terminal.fail(
        new AppError('BAD_REQUEST', message, {
          hint: 'See “sower --help”, or “sower COMMAND --help”.',
        }),
      )
      return EXIT_USAGE
    }
    terminal.fail(error)
    return signal.aborted && error instanceof AppError && error.code === 'CANCELLED'
      ? EXIT_CANCELLED
      : EXIT_FAILED
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

/** commander's `error: unknown option '--x'` as a sentence. */
function sentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    // It repeats what was typed where nothing belongs: that may be the words of a wallet.
    .replace(/( but got \d+): .*$/, '$1.')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!)]$/.test(text) ? '' : '.'}`
}
