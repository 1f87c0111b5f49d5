export interface MarkProps {
  readonly size?: number
}

/** The sign: a seed leaf over its furrow. */
export function Mark({ size = 22 }: MarkProps) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M12 17.5V11" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" fill="none" />
      <path d="M12 11.6C12 7.4 8.9 5 3.6 5c0 4.9 3.2 7.4 8.4 6.6z" fill="currentColor" />
      <path d="M12 13.4c0-3.9 2.9-6.2 8.4-6.2 0 4.6-3 7-8.4 6.2z" fill="currentColor" opacity="0.55" />
      <path
        d="M4 20.2h.01M8 20.2h.01M12 20.2h.01M16 20.2h.01M20 20.2h.01"
        stroke="currentColor"
        strokeWidth="2.1"
        strokeLinecap="round"
      />
    </svg>
  )
}
