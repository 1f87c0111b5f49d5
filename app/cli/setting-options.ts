import { Option } from 'commander'
import { SETTING_NAMES, SETTING_SOURCES } from '../config-sources.ts'
import type { SettingName } from '../config-sources.ts'

/** Shown in the help of `serve`; elsewhere they work, for the engine a command may have to start, but are not shown. */
const SHOWN_EVERYWHERE: ReadonlySet<SettingName> = new Set(['mediaDir'])

/** Options that may be given several times, one address each. */
const LISTS: ReadonlySet<SettingName> = new Set(['trackers', 'gunPeers', 'ipfsGateways', 'arweaveGateways'])

/** Every setting as an option of a command. */
export function settingOptions(usage: string): Option[] {
  return SETTING_NAMES.flatMap((name) =>
    optionsOf(name).map((option) => {
      if (usage !== 'serve' && !SHOWN_EVERYWHERE.has(name)) option.hideHelp()
      return option
    }),
  )
}

/** Settings by name from a command's parsed options. */
export function settingFlags(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const flags: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    const given = options[attributeOf(name)]
    if (given === undefined) continue
    flags[name] = Array.isArray(given) && given.includes('none') ? [] : given
  }
  return flags
}

function optionsOf(name: SettingName): Option[] {
  const { flag, env, allowed } = SETTING_SOURCES[name]
  const description = `${allowed} (${env})`
  if (name.startsWith('is')) {
    const word = flag.slice(2)
    return [
      new Option(`--${word}`, `switch ${word} on (${env})`),
      new Option(`--no-${word}`, `switch ${word} off`),
    ]
  }
  if (LISTS.has(name)) {
    const collect = (value: string, previous: string[] | undefined): string[] => [...(previous ?? []), value]
    return [new Option(`${flag} <url>`, `${allowed} (repeatable; ${env})`).argParser(collect)]
  }
  return [new Option(`${flag} <value>`, description)]
}

/** commander's own name for an option: `--media-dir` → `mediaDir`. */
function attributeOf(name: SettingName): string {
  return new Option(SETTING_SOURCES[name].flag).attributeName()
}
