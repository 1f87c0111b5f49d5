/** What the tests use of parse-torrent 11, which ships no types. */
declare module 'parse-torrent' {
  export default function parseTorrent(
    torrent: Uint8Array | string,
  ): Promise<Readonly<Record<string, unknown>>>
}
