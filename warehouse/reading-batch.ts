/** Memory for readings: batches as the feed reader fills them. */
import type { ReadingBatch } from '../schemas/feed-rows.ts'

/** Rows of a batch: a multiple of the engine's vector; about 0.6 MB. */
export const batchRows = 8192

/** An empty batch. */
export function createReadingBatch(capacity: number = batchRows): ReadingBatch {
  const words = () => new Int32Array(capacity)
  const pairs = () => new Int32Array(2 * capacity)
  return {
    rows: 0,
    capacity,
    blockSeq: words(),
    startS: pairs(),
    durationS: words(),
    value: pairs(),
    quality: words(),
    qualitySource: words(),
    tou: words(),
    cpp: words(),
    consumptionTier: words(),
    cost: pairs(),
    costPresent: new Uint8Array(capacity),
    localDay: words(),
    heSeq: words(),
    heClock: words(),
    byteOffset: pairs(),
  }
}
