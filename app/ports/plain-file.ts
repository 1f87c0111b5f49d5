/**
 * The file itself, as somebody who may read it sees it: decrypted where it is stored encrypted, and also while it is still
 * arriving. Whoever opened it closes it.
 */
export interface PlainFile {
  readonly name: string
  readonly mime: string
  readonly sizeBytes: number
  /**
   * Bytes `start` … `endExclusive`, in order, in chunks of any size; each chunk is authentic when it is given out.
   * @param isLent each chunk may be gone as soon as the next one is asked for: quicker, for whoever copies it at once.
   *   @defaultValue false
   * @throws {AppError} `CIPHERTEXT_INVALID`, `HASH_MISMATCH`, `MEDIA_OFFLINE`, `CANCELLED`
   */
  read(start: number, endExclusive: number, signal?: AbortSignal, isLent?: boolean): AsyncIterable<Uint8Array>
  close(): Promise<void>
}
