/** Staged readings lie as the feeds sent them, batches want a day or a range of series: many batches would each read all of them. */
import { join } from 'node:path'
import { literal } from './columns.ts'
import type { CommitSession } from './commit-session.ts'
import { insertRows } from './insert-rows.ts'
import { maxSeriesKey, type TouchedDay } from './plan-units.ts'

/** Where readings of a day go: `parts` bundles from `first` on, each a range of series_key `width` wide. */
export interface BundledDay {
  readonly dt: string
  readonly first: number
  readonly parts: number
  readonly width: bigint
}

/** Batches for which it costs less to look through everything each time. */
const scansAtMost = 8
/** Batches whose readings share a bundle, and how many bundles there are at most: their files are open at once. */
const batchesOfBundle = 2
const bundlesAtMost = 32
/** Rows of all bundles together that wait to be written: bounds memory. */
const gatheredRows = 131_072

/** Days in bundles of about equally many readings: small days share one, a large one has several. Pure. */
export function planBundles(days: readonly TouchedDay[], bundles: number): BundledDay[] {
  const wanted = Math.max(1, Math.ceil(days.reduce((sum, { rows }) => sum + rows, 0) / bundles))
  let bundle = 0
  let filled = 0
  return [...days]
    .sort((a, b) => (a.dt < b.dt ? -1 : 1))
    .map(({ dt, rows }) => {
      if (filled > 0 && filled + rows > wanted) {
        bundle += 1
        filled = 0
      }
      const parts = Math.max(1, Math.ceil(rows / wanted))
      const first = bundle
      if (parts === 1) filled += rows
      else bundle += parts
      return { dt, first, parts, width: maxSeriesKey / BigInt(parts) + (parts > 1 ? 1n : 0n) }
    })
}

/**
 * Where there are many batches, writes the readings of the view `incoming` to scratch files by day and range of series, and
 * puts these in its place: then a batch reads little beside its own.
 */
export async function spreadIncoming(
  session: CommitSession,
  days: readonly TouchedDay[],
  batches: number,
): Promise<void> {
  if (batches <= scansAtMost) return
  const { db, scratch } = session
  const count = Math.min(Math.ceil(batches / batchesOfBundle), bundlesAtMost)
  await db.run(`CREATE OR REPLACE TEMP TABLE bundle (dt DATE, first INTEGER, width BIGINT)`)
  const bundles = planBundles(days, count)
  const rows = bundles.map(({ dt, first, width }) => `(${literal(dt)}, ${first}, ${width})`)
  await insertRows(db, 'bundle', rows)
  const folder = scratch.file(session.nextPart())
  await db.run(`SET partitioned_write_flush_threshold = ${gatheredRows}; SET partitioned_write_max_open_files = ${2 * bundlesAtMost};
    COPY (SELECT i.*, b.first + i.series_key // b.width AS bundle FROM incoming i JOIN bundle b ON b.dt = i.local_date)
    TO ${literal(folder)} (FORMAT parquet, COMPRESSION lz4_raw, DICTIONARY_SIZE_LIMIT 1000,
      ROW_GROUP_SIZE ${Math.ceil(gatheredRows / count)}, PARTITION_BY (bundle));
    RESET partitioned_write_flush_threshold; RESET partitioned_write_max_open_files;
    CREATE OR REPLACE TEMP VIEW incoming AS
    FROM read_parquet(${literal(join(folder, '*', '*.parquet'))}, hive_partitioning = false)`)
}
