/**
 * How saxes is given its bytes: tag by tag where the memory may soon take over, in larger and larger pieces where it keeps failing, so
 * that a feed without repetition costs little more than saxes alone.
 */

/** A try that reads fewer bytes was not worth it. */
const enough = 256
/** So many of those in a row, and saxes gets a large piece; each one more doubles it. */
const patience = 16
const leastPiece = 512
/** Bytes read tag by tag without a place to try at: as bad as a failed try. */
const seekBytes = 4096
const greater = 0x3e

export class SlowWay {
  /** Bytes that saxes has read. */
  bytes = 0
  /** True while a large piece is read: it is not worth learning from. */
  hasty = false
  #failures = 0
  #piece = 0
  #owed = 0
  #sought = 0

  /** The memory read `gain` bytes and stopped with `left` to go; near the end of what there was, failing says nothing. */
  tried(gain: number, left: number): void {
    this.#sought = 0
    if (gain >= enough) {
      this.#failures = 0
      this.#piece >>= 1
    } else if (left > 2 * enough || this.#failures > patience) this.#fail()
  }

  /** The end of the next piece of the chunk: behind a `>`, or at the end of the chunk, at most `most` bytes on. */
  next(chunk: Buffer, at: number, most: number): number {
    if (this.#sought > seekBytes) this.#fail()
    this.hasty = this.#owed > 0
    const end = Math.min(chunk.length, at + most)
    let stop = chunk.indexOf(greater, at + Math.min(this.#owed, most >> 1)) + 1
    if (stop === 0 || stop > end) stop = end
    this.#owed = 0
    this.#sought += stop - at
    this.bytes += stop - at
    return stop
  }

  #fail(): void {
    this.#sought = 0
    this.#failures += 1
    if (this.#failures <= patience) return
    this.#piece = Math.min(1 << 16, Math.max(leastPiece, this.#piece * 2))
    this.#owed = this.#piece
  }
}
