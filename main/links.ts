/** What the command line or the system may hand over: links for the paste-a-link sheet, files for the add sheet. */
export interface OpenRequests {
  readonly links: readonly string[]
  readonly paths: readonly string[]
}

const MOST_LINK_CHARS = 16_384

/** A link Sower opens; judged like network input: anything may write it into a web page. */
export function isOpenableLink(text: string): boolean {
  if (text.length > MOST_LINK_CHARS || !/^(sower|magnet):/i.test(text)) return false
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  return !/[\u0000-\u001f\u007f]/.test(text)
}

/**
 * Reads the arguments after the executable and the app folder.
 * @param isFile tells whether an argument names an existing regular file
 * @param resolve makes a path absolute in the folder of whoever started us
 */
export function readOpenRequests(
  args: readonly string[],
  resolve: (path: string) => string,
  isFile: (path: string) => boolean,
): OpenRequests {
  const links: string[] = []
  const paths: string[] = []
  for (const arg of args) {
    if (isOpenableLink(arg)) links.push(arg)
    else if (!arg.startsWith('-') && isFile(resolve(arg))) paths.push(resolve(arg))
  }
  return { links, paths }
}
