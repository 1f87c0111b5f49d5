const SOUND = /\.(mp3|m4a|aac|ogg|oga|opus|flac|wav|weba)$/i
const PICTURE = /\.(png|jpe?g|gif|webp|avif|bmp)$/i

/**
 * A guess by the ending of a name, for what is not here yet: enough to choose between a player and a picture. Anything
 * unknown is given to the video player, which plays sound as well.
 */
export function mimeOfName(name: string): string {
  if (SOUND.test(name)) return 'audio/mpeg'
  const picture = PICTURE.exec(name)?.[1]?.toLowerCase()
  if (picture !== undefined) return `image/${picture === 'jpg' ? 'jpeg' : picture}`
  return 'video/mp4'
}
