/** What the window may do, as pure predicates; `security.ts` installs them. */

/** Where the window's page lives; the only origin that may talk to the main process. */
export const APP_ORIGIN = 'sower://app'
/** Where players and images in the window read bytes: `sower-media://item/<mediaId>`, `sower-media://transfer/<id>`. */
export const MEDIA_SCHEME = 'sower-media'

export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  `img-src 'self' ${MEDIA_SCHEME}:`,
  `media-src ${MEDIA_SCHEME}:`,
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** The page may load its own files and media, nothing else (Electron security checklist 1, 7). */
export function isAllowedRequest(url: string): boolean {
  try {
    const { protocol, host } = new URL(url)
    if (protocol === 'sower:') return host === 'app'
    return protocol === `${MEDIA_SCHEME}:` || protocol === 'devtools:' || protocol === 'blob:'
  } catch {
    return false
  }
}

/** Parsed origin equal and top frame; a frame that is already gone is refused (checklist 17). */
export function isTrustedSender(frame: { readonly url: string; readonly parent: unknown } | null): boolean {
  if (!frame || frame.parent !== null) return false
  try {
    const { protocol, host } = new URL(frame.url)
    return `${protocol}//${host}` === APP_ORIGIN
  } catch {
    return false
  }
}

/** What may be handed to the system's browser: https, no credentials, no control characters (checklist 15). */
export function isSafeExternalUrl(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f\s]/.test(text)) return false
  try {
    const url = new URL(text)
    return url.protocol === 'https:' && url.username === '' && url.password === ''
  } catch {
    return false
  }
}
