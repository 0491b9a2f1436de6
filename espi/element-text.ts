/** The text of the element at hand: a range of the chunk, or, once it is in pieces or its chunk goes, bytes of a buffer of its own. */
import { feedBounds } from './feed-bounds.ts'
import type { FeedBytes } from './fragment.ts'

export const isBlank = (text: string) => {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 32) return false
  return true
}

export class ElementText {
  readonly #bytes: FeedBytes
  readonly #tooLong: () => never
  /** Offsets in the file of the range; -1 where there is none. */
  from = -1
  to = -1
  /** The pieces, as far as `length`; 0: there are none. */
  pieces = Buffer.alloc(1 << 12)
  length = 0

  constructor(bytes: FeedBytes, tooLong: () => never) {
    this.#bytes = bytes
    this.#tooLong = tooLong
  }

  clear(): void {
    this.from = this.to = -1
    this.length = 0
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.to === this.from
  }

  /** A piece of text that is not simply a range of the chunk. */
  add(text: string): void {
    this.keep()
    this.#grow(text.length)
    this.pieces.write(text, this.length - text.length, 'latin1')
  }

  /** The range leaves its chunk. */
  keep(): void {
    if (this.from < 0) return
    const { chunk, base } = this.#bytes
    const length = this.to - this.from
    this.#grow(length)
    chunk.copy(this.pieces, this.length - length, this.from - base, this.to - base)
    this.from = this.to = -1
  }

  /** The bytes as latin1 characters. */
  latin1(): string {
    if (this.length > 0) return this.pieces.toString('latin1', 0, this.length)
    const { chunk, base } = this.#bytes
    return chunk.toString('latin1', this.from - base, this.to - base)
  }

  #grow(length: number): void {
    const needed = this.length + length
    if (needed > feedBounds.tokenBytes) this.#tooLong()
    if (needed > this.pieces.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.pieces.length))
      this.pieces.copy(larger, 0, 0, this.length)
      this.pieces = larger
    }
    this.length = needed
  }
}
