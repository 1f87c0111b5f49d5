import { displayName } from '../format/names.ts'

export interface NameProps {
  readonly name: string
  readonly className?: string
}

/** A file name that can't disturb the text around it (bidi isolation, visible control characters). */
export function Name({ name, className }: NameProps) {
  const shown = displayName(name)
  return (
    <bdi className={className} title={shown}>
      {shown}
    </bdi>
  )
}
