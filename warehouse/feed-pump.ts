/** Drives a feed reader by demand: reads archived bytes only when the engine asks for more readings. */
import type { FeedReader, FeedRow, FeedSink, FeedSummary, ReadingBatch } from '../schemas/feed-rows.ts'
import { createReadingBatch } from './reading-batch.ts'

export interface FeedPumpOptions {
  readonly chunks: Iterable<Uint8Array>
  /** Opens the reader on this pump as its sink. */
  readonly open: (sink: FeedSink) => FeedReader
  readonly onRow: (row: FeedRow) => void
  /** Decoded bytes read so far. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/** The sink of a feed reader on one side, a source of readings on the other. */
export class FeedPump implements FeedSink, Disposable {
  readonly #options: FeedPumpOptions
  readonly #reader: FeedReader
  readonly #chunks: Iterator<Uint8Array>
  readonly #filled: ReadingBatch[] = []
  readonly #free: ReadingBatch[] = []
  #handedOut: ReadingBatch | undefined
  #bytes = 0
  #summary: FeedSummary | undefined

  constructor(options: FeedPumpOptions) {
    this.#options = options
    this.#chunks = options.chunks[Symbol.iterator]()
    this.#reader = options.open(this)
  }

  /** What the feed was; undefined until it has ended. */
  get summary(): FeedSummary | undefined {
    return this.#summary
  }

  /** The next readings, undefined at the end of the feed. Raises what the reader raises (FEED_*) and the signal's reason. */
  next(): ReadingBatch | undefined {
    if (this.#handedOut) this.#free.push(this.#handedOut)
    this.#handedOut = undefined
    while (this.#filled.length === 0 && !this.#summary) this.#read()
    this.#handedOut = this.#filled.shift()
    return this.#handedOut
  }

  batch(): ReadingBatch {
    const batch = this.#free.pop() ?? createReadingBatch()
    batch.rows = 0
    return batch
  }

  readings(batch: ReadingBatch): void {
    if (batch.rows === 0) this.#free.push(batch)
    else this.#filled.push(batch)
  }

  row(row: FeedRow): void {
    this.#options.onRow(row)
  }

  /** Closes the file the bytes come from, where the feed was not read to its end. */
  [Symbol.dispose](): void {
    this.#chunks.return?.()
  }

  #read(): void {
    this.#options.signal.throwIfAborted()
    const { done, value } = this.#chunks.next()
    if (done) {
      this.#summary = this.#reader.end()
      return
    }
    this.#reader.write(value)
    this.#bytes += value.length
    this.#options.onBytes(this.#bytes)
  }
}
