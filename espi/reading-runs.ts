/** Runs of consecutive readings of equal length, as block_run rows: what was received, without keeping every reading. */
import type { FeedSink } from '../schemas/feed-rows.ts'

export class ReadingRuns {
  readonly #sink: FeedSink
  #start_s = 0
  #end_s = 0
  #duration_s = -1
  #readings = 0

  constructor(sink: FeedSink) {
    this.#sink = sink
  }

  /** A run goes on upwards, or, in feeds that begin with the newest reading, downwards. */
  add(block: number, start_s: number, duration_s: number): void {
    if (this.#readings > 0 && duration_s === this.#duration_s && duration_s > 0) {
      if (start_s === this.#end_s) {
        this.#end_s += duration_s
        this.#readings += 1
        return
      }
      if (start_s + duration_s === this.#start_s) {
        this.#start_s = start_s
        this.#readings += 1
        return
      }
    }
    this.end(block)
    this.#start_s = start_s
    this.#end_s = start_s + duration_s
    this.#duration_s = duration_s
    this.#readings = 1
  }

  /** The block has ended. */
  end(block_seq: number): void {
    if (this.#readings === 0) return
    const { start_s, duration_s, n_readings } = {
      start_s: this.#start_s,
      duration_s: this.#duration_s,
      n_readings: this.#readings,
    }
    this.#sink.row({ table: 'block_run', block_seq, start_s, duration_s, n_readings })
    this.#readings = 0
  }
}
