/** Types a browser shows without ever running anything inside them: raster images, sound, moving pictures. */
const INLINE_IMAGES: ReadonlySet<string> = new Set([
  'image/apng',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/heic',
  'image/heif',
  'image/jpeg',
  'image/jxl',
  'image/png',
  'image/tiff',
  'image/webp',
  'image/vnd.microsoft.icon',
  'image/x-icon',
])
const INLINE_AUDIO_VIDEO = /^(?:audio|video)\/[a-z0-9][a-z0-9.+-]{0,63}$/
const INLINE_OTHER: ReadonlySet<string> = new Set(['application/ogg'])

/**
 * How bytes of the sniffed type `mime` are handed to strangers' browsers. A closed set is shown in place; everything else (HTML, SVG,
 * XML, PDF, scripts, unknown types) is a download without a type, so that nothing in it can run with our address as its origin.
 */
export function servedAs(mime: string): {
  readonly contentType: string
  readonly disposition: 'inline' | 'attachment'
} {
  const type = mime.toLowerCase()
  const isInline = INLINE_IMAGES.has(type) || INLINE_AUDIO_VIDEO.test(type) || INLINE_OTHER.has(type)
  return isInline
    ? { contentType: type, disposition: 'inline' }
    : { contentType: 'application/octet-stream', disposition: 'attachment' }
}
