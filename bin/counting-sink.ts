/** A sink of the feed reader that keeps nothing: for reading a feed only to know that it can be read. */
import type { FeedSink, ReadingBatch } from '../schemas/feed-rows.ts'
import { createReadingBatch } from '../warehouse/reading-batch.ts'

/** One batch, used over and over. */
export function countingSink(): FeedSink {
  const only: ReadingBatch = createReadingBatch()
  return {
    batch: () => {
      only.rows = 0
      return only
    },
    readings: () => {},
    row: () => {},
  }
}
