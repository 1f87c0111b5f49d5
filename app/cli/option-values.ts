import { InvalidArgumentError } from 'commander'

/** As the contract takes them. */
const MAX_NAME_CHARS = 200

/** One more value of an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

/** @throws {InvalidArgumentError} for `''`, which a shell makes of a variable that is not set */
export function nonEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It must not be empty.')
  return value
}

/** What somebody is called. @throws {InvalidArgumentError} */
export function personName(value: string): string {
  if (value.trim() === '' || value.length > MAX_NAME_CHARS)
    throw new InvalidArgumentError(`A name has 1 to ${MAX_NAME_CHARS} characters.`)
  return value
}

/**
 * One more file to add.
 * @throws {InvalidArgumentError} for `-`, by which programs that read standard input mean it
 */
export function fileToAdd(value: string, previous: readonly string[] = []): string[] {
  if (value === '-')
    throw new InvalidArgumentError(
      'Files are added, not standard input: give that to a running node’s upload (docs/http-api.md). A file of this name is “./-”.',
    )
  return collect(value, previous)
}
