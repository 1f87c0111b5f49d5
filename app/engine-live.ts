/** Items whose numbers moved in the last interval, and once more after that, so that rates are seen to fall to zero. */
export class LiveItems {
  #now = new Set<string>()
  #before = new Set<string>()

  moved(mediaId: string): void {
    this.#now.add(mediaId)
  }

  take(): { mediaIds: string[]; isMoving: boolean } {
    const mediaIds = [...new Set([...this.#now, ...this.#before])]
    this.#before = this.#now
    this.#now = new Set()
    return { mediaIds, isMoving: mediaIds.length > 0 }
  }
}
