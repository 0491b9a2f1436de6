/** The links of the entry at hand, as bytes: most are never asked for, and only those that are become texts. */
import { MeterlakeError } from '../schemas/errors.ts'
import { feedBounds } from './feed-bounds.ts'

/** Beyond this the buffer is given back when the next entry begins. */
const keptBytes = 1 << 20

class Range {
  from = -1
  to = -1
  text: string | undefined

  set(from: number, to: number): void {
    this.from = from
    this.to = to
    this.text = undefined
  }
}

export class EntryLinks {
  #arena = Buffer.alloc(1 << 12)
  #length = 0
  /** End of the href of the link at hand, which begins at `length`; -1: it has none. */
  #hrefEnd = -1
  readonly #self = new Range()
  readonly #up = new Range()
  /** From, to, of each related link. */
  readonly #related: number[] = []

  /** An entry begins. */
  begin(): void {
    if (this.#arena.length > keptBytes) this.#arena = Buffer.alloc(1 << 12)
    this.#length = 0
    this.#self.set(-1, -1)
    this.#up.set(-1, -1)
    this.#related.length = 0
  }

  /** A link begins. */
  open(): void {
    this.#hrefEnd = -1
  }

  /** The href of the link at hand. */
  href(bytes: Buffer, from: number, to: number): void {
    const end = this.#length + to - from
    if (end > this.#arena.length) {
      const larger = Buffer.alloc(2 * end)
      this.#arena.copy(larger, 0, 0, this.#length)
      this.#arena = larger
    }
    bytes.copy(this.#arena, this.#length, from, to)
    this.#hrefEnd = end
  }

  /** The href of the link at hand; empty where it has none. */
  get text(): string {
    return this.#hrefEnd < 0 ? '' : this.#textOf(this.#length, this.#hrefEnd)
  }

  /** The link at hand has ended. `at` is where its entry begins. Throws FEED_LIMIT where an entry has too many. */
  add(rel: string, at: number): void {
    const from = this.#length
    const to = this.#hrefEnd
    const first = to > from ? (this.#arena[from] as number) : 0
    if (!(first > 0x20 && first < 0x7f) && this.text === '') return
    if (rel === 'self') {
      if (this.#self.from >= 0) return
      this.#self.set(from, to)
    } else if (rel === 'up') {
      if (this.#up.from >= 0) return
      this.#up.set(from, to)
    } else if (rel === 'related') {
      if (this.#related.length >= 2 * feedBounds.linksPerEntry && !this.#isNewAndFits(at)) return
      this.#related.push(from, to)
    } else return
    this.#length = to
  }

  get self(): string | undefined {
    return this.#read(this.#self)
  }

  get up(): string | undefined {
    return this.#read(this.#up)
  }

  /** Each once. */
  get related(): string[] {
    const texts = new Set<string>()
    for (let index = 0; index < this.#related.length; index += 2)
      texts.add(this.#textOf(this.#related[index] as number, this.#related[index + 1] as number))
    return [...texts]
  }

  /** Many links: those that came before do not count again. */
  #isNewAndFits(at: number): boolean {
    const before = this.related
    if (before.includes(this.text)) return false
    if (before.length >= feedBounds.linksPerEntry)
      throw new MeterlakeError('FEED_LIMIT', `an entry has more than ${feedBounds.linksPerEntry} links`, { byte: at })
    return true
  }

  #read(range: Range): string | undefined {
    return range.from < 0 ? undefined : (range.text ??= this.#textOf(range.from, range.to))
  }

  #textOf(from: number, to: number): string {
    return this.#arena.toString('utf8', from, to).trim()
  }
}
