/**
 * Class names of one CSS module: `const cx = classesOf(styles)`, then `cx('row', isSelected && 'selected')`.
 * A name that the module lacks is left out (a test compares every use with the stylesheet).
 */
export function classesOf(
  styles: Readonly<Record<string, string>>,
): (...names: readonly (string | false | null | undefined)[]) => string {
  return (...names) =>
    names
      .map((name) => (name === false || name === null || name === undefined ? undefined : styles[name]))
      .filter((name) => name !== undefined)
      .join(' ')
}
