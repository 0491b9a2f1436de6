/** A sink that keeps everything, in plain objects: what a test compares. */
import {
  type FeedReader,
  type FeedRow,
  type FeedSink,
  type FeedSummary,
  nullInt32,
  type ReadingBatch,
} from '../../schemas/feed-rows.ts'

export interface CollectedReading {
  readonly block: number
  readonly start_s: number
  readonly duration_s: number
  readonly value: number
  readonly quality: number | null
  readonly qualitySource: number
  readonly tou: number | null
  readonly cpp: number | null
  readonly tier: number | null
  readonly cost: number | null
  readonly localDay: string
  readonly heSeq: number
  readonly heClock: number
  readonly byteOffset: number
}

type Table = FeedRow['table']
export type RowOf<Name extends Table> = Extract<FeedRow, { readonly table: Name }>

export interface Collected {
  readonly readings: CollectedReading[]
  readonly rows: { readonly [Name in Table]: RowOf<Name>[] }
  /** Without how the bytes were read, which chunks may change. */
  readonly summary: Omit<FeedSummary, 'markupRuns' | 'slowBytes'>
}

/** Space for that many readings. */
export function readingBatch(capacity: number): ReadingBatch {
  const integers = () => new Int32Array(capacity)
  const pairs = () => new Int32Array(2 * capacity)
  return {
    rows: 0,
    capacity,
    blockSeq: integers(),
    startS: pairs(),
    durationS: integers(),
    value: pairs(),
    quality: integers(),
    qualitySource: integers(),
    tou: integers(),
    cpp: integers(),
    consumptionTier: integers(),
    cost: pairs(),
    costPresent: new Uint8Array(capacity),
    localDay: integers(),
    heSeq: integers(),
    heClock: integers(),
    byteOffset: pairs(),
  }
}

const at = (values: Int32Array | Uint8Array, index: number) => values[index] as number
const pair = (values: Int32Array, index: number) => at(values, 2 * index + 1) * 2 ** 32 + (at(values, 2 * index) >>> 0)
const orNull = (value: number) => (value === nullInt32 ? null : value)

function readingAt(batch: ReadingBatch, row: number): CollectedReading {
  return {
    block: at(batch.blockSeq, row),
    start_s: pair(batch.startS, row),
    duration_s: at(batch.durationS, row),
    value: pair(batch.value, row),
    quality: orNull(at(batch.quality, row)),
    qualitySource: at(batch.qualitySource, row),
    tou: orNull(at(batch.tou, row)),
    cpp: orNull(at(batch.cpp, row)),
    tier: orNull(at(batch.consumptionTier, row)),
    cost: at(batch.costPresent, row) === 1 ? pair(batch.cost, row) : null,
    localDay: new Date(at(batch.localDay, row) * 86_400_000).toISOString().slice(0, 10),
    heSeq: at(batch.heSeq, row),
    heClock: at(batch.heClock, row),
    byteOffset: pair(batch.byteOffset, row),
  }
}

/** Reads a feed, given in chunks of the sizes named (the last repeats), into memory. */
export function collect(
  open: (sink: FeedSink) => FeedReader,
  feed: Uint8Array | string,
  chunkSizes: readonly number[] = [1 << 20],
  capacity = 50,
): Collected {
  const bytes = typeof feed === 'string' ? Buffer.from(feed) : feed
  const readings: CollectedReading[] = []
  const rows: Collected['rows'] = {
    block: [],
    block_run: [],
    reading_codes: [],
    meter_reading: [],
    usage_point: [],
    reading_type: [],
    tou_code: [],
    usage_summary: [],
    usage_summary_line: [],
    customer: [],
    customer_account: [],
    customer_agreement: [],
    service_location: [],
    meter: [],
    demand_response_program: [],
    program_date_code: [],
    service_supplier: [],
    quarantine: [],
    drift: [],
  }
  const reader = open({
    batch: () => readingBatch(capacity),
    readings(batch) {
      for (let row = 0; row < batch.rows; row++) readings.push(readingAt(batch, row))
    },
    row(row) {
      ;(rows[row.table] as FeedRow[]).push(row)
    },
  })
  let from = 0
  for (let turn = 0; from < bytes.length; turn++) {
    const size = Math.max(1, chunkSizes[Math.min(turn, chunkSizes.length - 1)] ?? bytes.length)
    // a chunk of its own, wiped after the call: a reader may keep nothing of it
    const chunk = Uint8Array.from(bytes.subarray(from, from + size))
    reader.write(chunk)
    chunk.fill(0x23)
    from += size
  }
  const { markupRuns: _runs, slowBytes: _bytes, ...summary } = reader.end()
  return { readings, rows, summary }
}
