/** Line drawings on a 20-unit grid, 1.5 wide, in the colour of the text around them. */
const PATHS = {
  library: 'M3.5 4.5h5v11h-5zM11.5 4.5h5v4.5h-5zM11.5 12h5v3.5h-5z',
  transfers: 'M6.5 15.5v-11M6.5 4.5 3.5 7.5M6.5 4.5l3 3M13.5 4.5v11M13.5 15.5l3-3M13.5 15.5l-3-3',
  network:
    'M10 4.2a1.7 1.7 0 1 0 0 .01M4.5 14.2a1.7 1.7 0 1 0 0 .01M15.5 14.2a1.7 1.7 0 1 0 0 .01M9 7.3l-3.6 5.4M11 7.3l3.6 5.4M6.4 15.6h7.2',
  settings: 'M3.5 6.5h7M14.5 6.5h2M3.5 13.5h2M9.5 13.5h7M12.5 4.5a2 2 0 1 0 .01 0M7.5 11.5a2 2 0 1 0 .01 0',
  search: 'M9 3.8a5.2 5.2 0 1 0 .01 0M12.9 12.9l3.6 3.6',
  plus: 'M10 4v12M4 10h12',
  chevron: 'M6 8l4 4 4-4',
  chevronUp: 'M6 12l4-4 4 4',
  link: 'M8.5 11.5a3 3 0 0 0 4.4.2l2.3-2.4a3 3 0 0 0-4.3-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.4-.2l-2.3 2.4a3 3 0 0 0 4.3 4.2l1-1',
  file: 'M5.5 3.5h6l3.5 3.5v9.5h-9.5zM11.5 3.5V7H15',
  video: 'M3.5 5.5h13v9h-13zM8.5 8v4l3.5-2z',
  audio: 'M7.5 14.5v-9l8-1.5v9M7.5 14.5a2 2 0 1 1-2-2h2M15.5 13a2 2 0 1 1-2-2h2',
  image: 'M3.5 4.5h13v11h-13zM3.5 13l3.5-3.5 3 3 2.5-2.5 4 4M12.8 7.2a.8.8 0 1 0 .01 0',
  text: 'M5.5 3.5h9v13h-9zM8 7h4M8 10h4M8 13h2.5',
  archive: 'M3.5 4.5h13v3h-13zM4.5 7.5v8h11v-8M8.5 10.5h3',
  lock: 'M5 9h10v7H5zM7.2 9V6.7a2.8 2.8 0 0 1 5.6 0V9',
  globe: 'M10 3.5a6.5 6.5 0 1 0 .01 0M3.6 10h12.8M10 3.5c-4 4-4 9 0 13M10 3.5c4 4 4 9 0 13',
  play: 'M6.5 4.5v11l9-5.5z',
  pause: 'M7 4.5v11M13 4.5v11',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  close: 'M5 5l10 10M15 5L5 15',
  warning: 'M10 3.5l7 12.5H3zM10 8.5v3.5M10 14v.2',
  error: 'M10 3.5a6.5 6.5 0 1 0 .01 0M10 6.8v4M10 13v.2',
  info: 'M10 3.5a6.5 6.5 0 1 0 .01 0M10 9.2v4M10 6.8v.2',
  clock: 'M10 3.5a6.5 6.5 0 1 0 .01 0M10 6.5V10l2.5 1.5',
  refresh:
    'M15.8 8.5A6 6 0 0 0 5 6.5L3.8 8M3.8 4.5V8h3.5M4.2 11.5A6 6 0 0 0 15 13.5l1.2-1.5M16.2 15.5V12h-3.5',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6M8.5 9v4.5M11.5 9v4.5',
  copy: 'M7.5 7.5h8v9h-8zM12.5 7.5v-4h-8v9h3',
  folder: 'M3.5 5h4.5l1.5 2h7v8.5h-13z',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  undo: 'M7.5 4.5L4 8l3.5 3.5M4 8h7.5a4 4 0 0 1 0 8H9',
  up: 'M10 15.5v-11M5.5 9L10 4.5 14.5 9',
  down: 'M10 4.5v11M5.5 11l4.5 4.5 4.5-4.5',
  drive: 'M4.5 4.5h11l1.5 7v4H3v-4zM3 11.5h14M13.5 13.5h.01',
  key: 'M7 9.5a3.2 3.2 0 1 0 .01 0M9.3 10.2l6.2-6.2M13 6.5l2 2',
  panel: 'M3.5 4.5h13v11h-13zM12 4.5v11',
  magnet: 'M5 4.5v6a5 5 0 0 0 10 0v-6h-3.2v6a1.8 1.8 0 0 1-3.6 0v-6zM5 7.5h3.2M11.8 7.5H15',
  users:
    'M7.5 5a2.6 2.6 0 1 0 .01 0M2.5 15.5c0-2.7 2.2-4.2 5-4.2s5 1.5 5 4.2M13 5.2a2.6 2.6 0 0 1 0 5M14.6 11.6c1.8.5 2.9 1.8 2.9 3.9',
  wallet: 'M3.5 6.5v8.2a1.3 1.3 0 0 0 1.3 1.3h11.7V7.8H4.8a1.3 1.3 0 0 1 0-2.6h9.7v2.6M13.4 11.9h.01',
  lockAsk: 'M5 9h10v7H5zM7.2 9V6.7a2.8 2.8 0 0 1 5.2-1.4M10 12v1.4',
  pencil: 'M4 16l.8-3.4L13.4 4l2.6 2.6-8.6 8.6zM11.8 5.6l2.6 2.6',
  eye: 'M2.5 10c2-3.3 4.5-5 7.5-5s5.5 1.7 7.5 5c-2 3.3-4.5 5-7.5 5s-5.5-1.7-7.5-5zM10 7.8a2.2 2.2 0 1 0 .01 0',
  user: 'M10 4a3 3 0 1 0 .01 0M4.5 16.5c0-3 2.5-4.8 5.5-4.8s5.5 1.8 5.5 4.8',
  sprout: 'M10 16.5v-7M10 9.5C10 6.5 7.5 5 4 5c0 3.2 2.3 5 6 4.5M10 11.5c0-3.2 2.4-5 6-5 0 3.2-2.4 5.2-6 5',
  seed: 'M10 4.5c3 2.2 4 4.6 4 6.8a4 4 0 0 1-8 0c0-2.2 1-4.6 4-6.8z',
  jar: 'M6 6.5h8M6.5 3.8h7M6 6.5c-1 1-1.5 2-1.5 3.5v5a1.5 1.5 0 0 0 1.5 1.5h8a1.5 1.5 0 0 0 1.5-1.5v-5c0-1.5-.5-2.5-1.5-3.5',
  compass: 'M10 3.5a6.5 6.5 0 1 0 .01 0M12.8 7.2l-1.6 4-4 1.6 1.6-4z',
  back: 'M8.5 5L4 10l4.5 5M4 10h12',
  star: 'M10 3.8l1.9 4 4.4.5-3.3 3 .9 4.3-3.9-2.2-3.9 2.2.9-4.3-3.3-3 4.4-.5z',
  cube: 'M10 3.2l6 3.3v7L10 16.8l-6-3.3v-7zM4 6.5l6 3.4 6-3.4M10 9.9v6.9',
  weave: 'M4 7.5c4-4 8 9 12 5M4 12.5c4 4 8-9 12-5',
  relay:
    'M10 9.2a1.2 1.2 0 1 0 .01 0M7 13.4a4.3 4.3 0 0 1 0-6M13 7.4a4.3 4.3 0 0 1 0 6M4.7 15.6a7.4 7.4 0 0 1 0-10.4M15.3 5.2a7.4 7.4 0 0 1 0 10.4',
  flag: 'M5.5 16.5v-12h8.5l-1.8 3 1.8 3H5.5',
  keyboard: 'M3 5.5h14v9H3zM6 8.5h.01M9 8.5h.01M12 8.5h.01M14.5 8.5h.01M6.5 11.5h7',
} as const

export type IconName = keyof typeof PATHS

export interface IconProps {
  readonly name: IconName
  readonly size?: number
}

export function Icon({ name, size = 18 }: IconProps) {
  const isDots = name === 'more'
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={isDots ? 2.2 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
