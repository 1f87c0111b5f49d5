/** The words of the main process: tray, menus and system dialogs. The window has its own catalogue. */
export const text = {
  open: 'Open Sower',
  addFiles: 'Add files…',
  pasteLink: 'Paste a link…',
  pauseSeeding: 'Pause seeding',
  resumeSeeding: 'Resume seeding',
  settings: 'Settings…',
  quit: 'Quit Sower',
  file: 'File',
  edit: 'Edit',
  view: 'View',
  help: 'Help',
  shortcuts: 'Keyboard shortcuts',
  library: 'Library',
  discover: 'Discover',
  contacts: 'Contacts',
  transfers: 'Transfers',
  network: 'Network',
  wallet: 'Wallet',
  search: 'Search',
  openLogs: 'Open the log folder',
  pickFilesTitle: 'Add files to Sower',
  pickFolderTitle: 'Choose the media folder',
  savePathTitle: 'Save as',
  openTextTitle: 'Open a card or a backup',
  trayStarting: 'Starting…',
  trayFailed: 'Not running: open Sower to see why',
  trayOffline: 'The media folder is not connected',
  trayPaused: 'Seeding is paused',
  traySeeding: (items: number) => (items === 1 ? 'Seeding 1 item' : `Seeding ${items} items`),
  traySeedingAt: (items: number, rate: string) =>
    `${items === 1 ? 'Seeding 1 item' : `Seeding ${items} items`}, ↑ ${rate}`,
} as const

const UNITS = ['B/s', 'kB/s', 'MB/s', 'GB/s'] as const

/** @param bytesPerSec non-negative @returns e.g. `1.2 MB/s` */
export function formatRate(bytesPerSec: number): string {
  let value = bytesPerSec
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
