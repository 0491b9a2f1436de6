/** The first bytes of an element, kept for a quarantine row even where the element straddles chunks. */
import { feedBounds } from './feed-bounds.ts'

const bound = feedBounds.fragmentBytes

/** The chunk at hand and a little of what came before it, by offset in the raw file. */
export class FeedBytes {
  chunk: Buffer = Buffer.alloc(0)
  /** Offset of the chunk's first byte. */
  base = 0
  /** What came before the chunk: the last bytes of twice the bound. */
  readonly #kept = Buffer.alloc(2 * bound)
  #keptLength = 0

  /** The chunk at hand goes, perhaps to be overwritten: its last bytes are kept. */
  retire(): void {
    const { chunk } = this
    const tail = chunk.length > bound ? chunk.subarray(chunk.length - bound) : chunk
    if (this.#keptLength + tail.length > this.#kept.length) {
      this.#kept.copyWithin(0, this.#keptLength - bound, this.#keptLength)
      this.#keptLength = bound
    }
    if (chunk.length > bound) this.#keptLength = 0
    this.#keptLength += tail.copy(this.#kept, this.#keptLength)
    this.base += chunk.length
    this.chunk = chunk.subarray(0, 0)
  }

  /** At most `bound` bytes from `from` (at most that far before the chunk) to `to`. */
  range(from: number, to: number): Buffer {
    const end = Math.min(to, from + bound)
    if (from >= this.base) return this.chunk.subarray(from - this.base, end - this.base)
    const shift = this.#keptLength - this.base
    const early = this.#kept.subarray(Math.max(0, from + shift), Math.max(0, Math.min(end, this.base) + shift))
    return end <= this.base ? Buffer.from(early) : Buffer.concat([early, this.chunk.subarray(0, end - this.base)])
  }
}

/** One element in progress. */
export class Fragment {
  readonly #bytes: FeedBytes
  readonly #kept = Buffer.alloc(bound)
  #from = -1
  #length = 0

  constructor(bytes: FeedBytes) {
    this.#bytes = bytes
  }

  /** The element that begins at this offset is the one to keep. */
  begin(at: number): void {
    this.#from = at
    this.#length = 0
  }

  end(): void {
    this.#from = -1
  }

  /** The chunk at hand is about to go: keeps what it holds of the element. */
  carry(): void {
    if (this.#from < 0 || this.#length === bound) return
    const end = this.#bytes.base + this.#bytes.chunk.length
    this.#length += this.#bytes.range(this.#from + this.#length, end).copy(this.#kept, this.#length)
  }

  /** The bytes up to `to`, as text, cut at the end of a character. */
  text(to: number): string {
    if (this.#from < 0) return ''
    const rest = this.#bytes.range(this.#from + this.#length, to)
    const bytes = Buffer.concat([this.#kept.subarray(0, this.#length), rest]).subarray(0, bound)
    let end = bytes.length
    if (end === bound) {
      while (end > 0 && ((bytes[end - 1] as number) & 0xc0) === 0x80) end -= 1
      if (end > 0 && (bytes[end - 1] as number) >= 0xc0) end -= 1
    }
    return bytes.toString('utf8', 0, end)
  }
}
