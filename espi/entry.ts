/** The Atom entry at hand: its links, its dates, and what is wrong with it. Links and dates may come after content. */
import type { FeedSink } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import { EntryLinks } from './entry-links.ts'
import type { Fragment } from './fragment.ts'
import { readInstant, readPlainInstant } from './instant-text.ts'
import type { ContentPayload } from './leaf-record.ts'

interface Violation {
  readonly rule: string
  readonly path: string
  readonly byte_from: number
  readonly byte_to: number
  readonly fragment: string
  readonly message: string
}

export class Entry {
  at = 0
  end = 0
  readonly links = new EntryLinks()
  /** Microseconds of Unix time; NaN where not sent. */
  published_us = Number.NaN
  updated_us = Number.NaN
  /** Payloads of content that are not made of readings. */
  readonly payloads: ContentPayload[] = []
  /** Ordinals of the entry's blocks: from, to (excluded). */
  firstBlock = 0
  endBlock = 0
  #violation: Violation | undefined
  #violations = 0
  readonly #fragment: Fragment
  readonly #sink: FeedSink
  readonly #drift: Drift

  constructor(fragment: Fragment, sink: FeedSink, drift: Drift) {
    this.#fragment = fragment
    this.#sink = sink
    this.#drift = drift
  }

  begin(at: number, block: number): void {
    this.at = at
    this.end = at
    this.links.begin()
    this.published_us = this.updated_us = Number.NaN
    this.payloads.length = 0
    this.firstBlock = this.endBlock = block
    this.#violation = undefined
    this.#violations = 0
    this.#fragment.begin(at)
  }

  get self(): string | undefined {
    return this.links.self
  }

  get up(): string | undefined {
    return this.links.up
  }

  /** When the utility published the entry: atom:published, else atom:updated; NaN where neither was sent. */
  get publishedAt_us(): number {
    return Number.isNaN(this.published_us) ? this.updated_us : this.published_us
  }

  date(which: 'published' | 'updated', bytes: Buffer, from: number, to: number, at: number): void {
    const us = readDate(which, bytes, from, to, at, this.#drift)
    if (which === 'published') this.published_us = us
    else this.updated_us = us
  }

  get rejected(): boolean {
    return this.#violations > 0
  }

  /** A rule is broken: the entry is left out. The first breach is told with its bytes, the others are counted. */
  reject(rule: string, path: string, byte_from: number, byte_to: number, fragment: string, message: string): void {
    this.#violation ??= { rule, path, byte_from, byte_to, fragment, message }
    this.#violations += 1
  }

  /** A breach of the entry as a whole. */
  rejectWhole(rule: string, path: string, message: string): void {
    this.reject(rule, path, this.at, this.end, this.#fragment.text(this.end), message)
  }

  /** The entry is kept, but somebody should look at it. */
  warn(rule: string, path: string, message: string): void {
    const { at: byte_from, end: byte_to } = this
    const fragment = this.#fragment.text(byte_to)
    const row = { rule, path, href: this.self ?? null, byte_from, byte_to, fragment, message }
    this.#sink.row({ table: 'quarantine', severity: 'warn', ...row })
  }

  /** The bytes of the entry, at most 4 KiB. */
  fragmentText(): string {
    return this.#fragment.text(this.end)
  }

  finish(): void {
    this.#fragment.end()
    const violation = this.#violation
    if (violation === undefined) return
    const more = this.#violations - 1
    const message = more > 0 ? `${violation.message} (and ${more} more in this entry)` : violation.message
    this.#sink.row({ table: 'quarantine', severity: 'error', ...violation, message, href: this.self ?? null })
  }
}

/** A date of Atom, in microseconds. Without a zone it is taken as UTC and counted; unreadable, it is NaN and counted. */
export function readDate(which: string, bytes: Buffer, from: number, to: number, at: number, drift: Drift): number {
  const plain_us = readPlainInstant(bytes, from, to)
  if (!Number.isNaN(plain_us)) return plain_us
  const text = bytes.toString('utf8', from, to).trim()
  if (text === '') return Number.NaN
  const read = readInstant(text)
  if (read === undefined) drift.count('code', `${which} is not a dateTime`, at)
  else if (!read.zoned) drift.count('code', `${which} without a time zone, taken as UTC`, at)
  return read?.us ?? Number.NaN
}
