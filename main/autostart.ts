import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../app/contract/index.ts'

/** Quotes one argument for a desktop entry's Exec line (Desktop Entry Specification, "The Exec key"). */
export function quoteExecArgument(argument: string): string {
  const escaped = argument
    .replaceAll('\\', '\\\\\\\\')
    .replaceAll(/["`$]/g, (char) => `\\\\${char}`)
    .replaceAll('%', '%%')
  return `"${escaped}"`
}

/**
 * Linux: an entry in the autostart folder (XDG Autostart Specification), since Electron has no login items there. What is right
 * already is not written again.
 * @param command executable and arguments that start Sower
 * @throws {AppError} `UNAVAILABLE`; what was there before still is
 */
export function setLinuxAutostart(isWanted: boolean, configDir: string, command: readonly string[]): void {
  const file = join(configDir, 'autostart', 'sower.desktop')
  try {
    if (isWanted) writeEntry(file, [...command, '--hidden'].map(quoteExecArgument).join(' '))
    else rmSync(file, { force: true })
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'Whether Sower starts at login could not be changed.', {
      hint: `Check ${file} and who may write it, then try again.`,
      cause,
    })
  }
}

function writeEntry(file: string, exec: string): void {
  const entry = `[Desktop Entry]\nType=Application\nName=Sower\nComment=Keep media available\nExec=${exec}\nTerminal=false\nX-GNOME-Autostart-enabled=true\n`
  if (read(file) === entry) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, entry)
  renameSync(`${file}.new`, file)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Whatever is in its way is found out when it is written.
    return undefined
  }
}
