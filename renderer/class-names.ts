type Sheet = Readonly<Record<string, string>>

/**
 * Class names of CSS modules: `const cx = classesOf(styles)`, then `cx('row', isSelected && 'selected')`. Of several sheets that
 * have a name all count, and the rules of the last hold: a shared one is imported and given first.
 * A name that none has is left out (a test compares every use with the stylesheets).
 */
export function classesOf(
  ...sheets: readonly Sheet[]
): (...names: readonly (string | false | null | undefined)[]) => string {
  return (...names) =>
    names
      .flatMap((name) =>
        name === false || name === null || name === undefined ? [] : sheets.map((sheet) => sheet[name]),
      )
      .filter((name) => name !== undefined)
      .join(' ')
}
