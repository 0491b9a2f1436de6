/**
 * What the feed reader hands to the warehouse: rows of one feed before links are resolved across files.
 *
 * Readings are the hot path: struct of arrays, integers only. They name their block by ordinal; the block names its
 * MeterReading; what a reading means (unit, multiplier, flow, default quality) is joined once per series at publish. So a feed
 * may bring its entries in any order, at flat memory.
 */

import type { PersonalTable } from './tables-personal.ts'

/** NULL of an int32 column on the hot path. No ESPI code is that small. */
export const nullInt32 = -2_147_483_648

/**
 * A batch of readings: parallel arrays, the first `rows` entries valid. 64-bit integers are pairs (low, high) of an Int32Array,
 * so that `array[2i]` is the low word: exact for every Int48 without BigInt.
 */
export interface ReadingBatch {
  rows: number
  readonly capacity: number
  /** Ordinal of the block in this feed, from 0. */
  readonly blockSeq: Int32Array
  /** start, seconds of Unix time, as pairs. */
  readonly startS: Int32Array
  readonly durationS: Int32Array
  /** value as sent, as pairs. */
  readonly value: Int32Array
  /** Worst of the reading's own codes, else of the block's; {@link nullInt32} where neither was sent. */
  readonly quality: Int32Array
  /** 0 none, 1 reading, 2 block. The default of the ReadingType is joined at publish. */
  readonly qualitySource: Int32Array
  readonly tou: Int32Array
  readonly cpp: Int32Array
  readonly consumptionTier: Int32Array
  /** cost, as pairs; NULL where `costPresent` is 0. */
  readonly cost: Int32Array
  readonly costPresent: Uint8Array
  /** Local day, days since 1970-01-01, and hour ending, both by the zone of the profile. */
  readonly localDay: Int32Array
  readonly heSeq: Int32Array
  readonly heClock: Int32Array
  /** Offset of the reading's `<` in the raw file, as pairs. */
  readonly byteOffset: Int32Array
}

/** Everything that is not a reading: one row per entry or less. Keys are column names of the staging tables. */
export type FeedRow =
  /** One per IntervalBlock element, when the feed has ended: only then is it known which MeterReading href was reused. */
  | {
      readonly table: 'block'
      readonly block_seq: number
      readonly series_key: string
      readonly meter_reading_href: string
      readonly usage_point_id: string
      readonly meter_reading_id: string
      readonly published_at: string | null
      readonly n_readings: number
      readonly rejected: boolean
      readonly byte_offset: number
    }
  /** One per run of consecutive readings of equal length in a block. Times in seconds of Unix time. */
  | {
      readonly table: 'block_run'
      readonly block_seq: number
      readonly start_s: number
      readonly duration_s: number
      readonly n_readings: number
    }
  /** Readings that carry several quality codes. */
  | {
      readonly table: 'reading_codes'
      readonly block_seq: number
      readonly byte_offset: number
      readonly codes: string
    }
  | {
      readonly table:
        | 'meter_reading'
        | 'usage_point'
        | 'reading_type'
        | 'tou_code'
        | 'usage_summary'
        | 'usage_summary_line'
      readonly [column: string]: string | number | boolean | null
    }
  /** Rows of customer feeds; the warehouse adds the opaque keys. */
  | {
      readonly table: PersonalTable
      readonly [column: string]: string | number | boolean | null
    }
  | {
      readonly table: 'quarantine'
      readonly rule: string
      readonly severity: 'error' | 'warn'
      readonly path: string
      readonly href: string | null
      readonly byte_from: number
      readonly byte_to: number
      readonly fragment: string
      readonly message: string
    }
  | {
      readonly table: 'drift'
      readonly kind: 'element' | 'attribute' | 'code'
      readonly name: string
      readonly n: number
      readonly first_byte: number
    }

/** Where a reader puts what it finds. Called synchronously; a batch belongs to the sink from `readings` on. */
export interface FeedSink {
  /** A fresh or recycled batch to fill, `rows` = 0. */
  batch(): ReadingBatch
  readings(batch: ReadingBatch): void
  row(row: FeedRow): void
}

/** What a feed was, known when it has ended. */
export interface FeedSummary {
  readonly kind: 'usage' | 'customer'
  readonly bytes: number
  readonly feedUpdatedAt: string | null
  readonly entries: number
  readonly entriesByKind: Readonly<Record<string, number>>
  readonly blocks: number
  readonly readings: number
  readonly quarantined: number
  /** Different runs of markup learned; 0 where the memory was off. */
  readonly markupRuns: number
  /** Bytes that went through saxes: all of them where the memory was off. */
  readonly slowBytes: number
}

export interface FeedReaderOptions {
  readonly timeZone: string
  readonly usagePointIdentity: 'id' | 'path'
  /** False: every byte goes through saxes. Rows and errors are the same. Default true. */
  readonly markupMemory?: boolean
}

/** A feed reader: bytes in, rows to its sink. `write` and `end` throw a MeterlakeError (FEED_*) for a file that is refused whole. */
export interface FeedReader {
  write(chunk: Uint8Array): void
  end(): FeedSummary
}

export type OpenFeedReader = (sink: FeedSink, options: FeedReaderOptions) => FeedReader
