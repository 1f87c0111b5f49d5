import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Quotes one argument for a desktop entry's Exec line (Desktop Entry Specification, "The Exec key"). */
export function quoteExecArgument(argument: string): string {
  const escaped = argument
    .replaceAll('\\', '\\\\\\\\')
    .replaceAll(/["`$]/g, (char) => `\\\\${char}`)
    .replaceAll('%', '%%')
  return `"${escaped}"`
}

/**
 * Linux: an entry in the autostart folder (XDG Autostart Specification), since Electron has no login items there.
 * @param command executable and arguments that start Sower
 */
export function setLinuxAutostart(isWanted: boolean, configDir: string, command: readonly string[]): void {
  const file = join(configDir, 'autostart', 'sower.desktop')
  if (!isWanted) {
    rmSync(file, { force: true })
    return
  }
  mkdirSync(join(configDir, 'autostart'), { recursive: true })
  const exec = [...command, '--hidden'].map(quoteExecArgument).join(' ')
  writeFileSync(
    file,
    `[Desktop Entry]\nType=Application\nName=Sower\nComment=Keep media available\nExec=${exec}\nTerminal=false\nX-GNOME-Autostart-enabled=true\n`,
  )
}
