/** Staged rows as the engine sees them: links resolved, meaning joined, energy computed. */
import { demandKinds, registerAccumulations } from '../schemas/espi-codes.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { stagingTables, type StagingTableName } from '../schemas/staging.ts'
import { type TableName, tables } from '../schemas/tables.ts'
import { columnList, emptySelect, literal } from './columns.ts'
import { type CommitSession, readFiles, readTable } from './commit-session.ts'
import { dimensionNames } from './dimension-content.ts'
import { model } from './model.ts'
import type { TouchedDay } from './plan-units.ts'
import { restate, restatedLines } from './restated-dimensions.ts'
import { integerOf, textOf } from './row-values.ts'

/** Staged rows of a table over all loads of the lake's root, with `load_id` and its ordinal `load_no`. */
function stagedSelect(session: CommitSession, loads: readonly StagedLoadRecord[], table: StagingTableName): string {
  const parts = loads.flatMap((load, loadNo) => {
    const file = load.files[table]
    if (!file || file.root !== 'lake') return []
    return [{ path: literal(session.lake.locate(file.path)), load: `${literal(load.loadId)}, ${loadNo}` }]
  })
  const [first, second] = parts
  if (!first) return `SELECT ''::VARCHAR AS load_id, 0 AS load_no, * FROM (${emptySelect(stagingTables[table])})`
  if (!second)
    return `SELECT load_id, load_no, r.* FROM (VALUES (${first.load})) l(load_id, load_no), read_parquet(${first.path}) r`
  // one scan of all files: hundreds of scans cost the planner more than the rows
  return `SELECT load_id, load_no, r.* EXCLUDE (file_index)
    FROM (SELECT *, file_index FROM read_parquet([${parts.map(({ path }) => path).join(', ')}])) r
    JOIN (VALUES ${parts.map(({ load }, index) => `(${index}, ${load})`).join(', ')}) l(file_index, load_id, load_no)
      ON l.file_index = r.file_index`
}

/** Tables whose staged rows are the lake's plus load_id and commit_id. */
export const dimensionTables = [
  'usage_point',
  'meter_reading',
  'reading_type',
  'tou_code',
  'usage_summary',
  'usage_summary_line',
] as const satisfies readonly (StagingTableName & TableName)[]

const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** Span of the staged and re-attached readings. */
export interface IncomingSpan {
  readonly days: readonly TouchedDay[]
  readonly durationMin: number | null
  readonly durationMax: number | null
}

/**
 * Makes the relations of a commit: `staged_*` (what was sent, and what is restated), `lake_*`, `parked`, `series_meaning`, `block_meaning`, `incoming`,
 * `series_duration`. Answers which days are touched.
 */
export async function prepareIncoming(
  session: CommitSession,
  loads: readonly StagedLoadRecord[],
): Promise<IncomingSpan> {
  const { db, parent, lake, n } = session
  const view = (name: string, query: string) => db.run(`CREATE OR REPLACE TEMP VIEW ${name} AS ${query}`)
  await view('staged_block', stagedSelect(session, loads, 'block'))
  await view('staged_block_run', stagedSelect(session, loads, 'block_run'))
  await view('staged_readings', stagedSelect(session, loads, 'readings'))
  await view('staged_codes', stagedSelect(session, loads, 'reading_codes'))
  await view('parked', readFiles(lake, parent.parked, emptySelect(tables.parked)))
  for (const table of dimensionTables) {
    const columns = columnList(tables[table])
    await view(`lake_${table}`, readTable(lake, parent, table))
    await view(
      `sent_${table}`,
      `SELECT ${columns} FROM (SELECT *, ${n}::BIGINT AS commit_id FROM (${stagedSelect(session, loads, table)}))`,
    )
  }
  for (const table of dimensionNames) await restate(session, table)
  for (const table of dimensionTables) {
    const columns = columnList(tables[table])
    const restated = table === 'usage_summary_line' ? restatedLines() : `SELECT ${columns} FROM restated_${table}`
    await view(`staged_${table}`, `SELECT ${columns} FROM sent_${table} UNION ALL ${restated}`)
    await view(`all_${table}`, `SELECT ${columns} FROM lake_${table} UNION ALL SELECT ${columns} FROM staged_${table}`)
  }
  await db.run(
    model('series-meaning', { demand_kinds: demandKinds.join(', '), registers: registerAccumulations.join(', ') }),
  )
  await db.run(model('incoming'))
  await db.run(`CREATE OR REPLACE TEMP TABLE series_duration AS
    SELECT series_key, min(duration_s) AS duration_min, max(duration_s) AS duration_max FROM (
      SELECT b.series_key, r.duration_s
      FROM staged_block_run r JOIN block_meaning b ON b.load_no = r.load_no AND b.block_seq = r.block_seq WHERE b.resolved
      UNION ALL
      SELECT p.series_key, p.duration_s FROM parked p JOIN series_meaning m USING (load_id, series_key) WHERE m.resolved)
    GROUP BY series_key`)
  const days = await db.rows(
    `SELECT local_date::VARCHAR AS dt, count(*)::INTEGER AS rows, approx_count_distinct(series_key)::INTEGER AS series
     FROM incoming GROUP BY local_date ORDER BY local_date`,
  )
  const [span] = await db.rows(`SELECT min(duration_min) AS low, max(duration_max) AS high FROM series_duration`)
  return {
    days: days.map((row) => ({
      dt: textOf(row, 'dt'),
      rows: integerOf(row, 'rows'),
      series: integerOf(row, 'series'),
    })),
    durationMin: numberOrNull(span?.['low']),
    durationMax: numberOrNull(span?.['high']),
  }
}

/**
 * Days after its own into which an incoming reading reaches so far that it may cover a whole other one (`shortestS`, the
 * shortest length known). Only readings longer than that are looked at.
 */
export async function daysReachedInto(session: CommitSession, shortestS: number): Promise<string[]> {
  const rows = await session.db.rows(
    `SELECT DISTINCT unnest(generate_series(local_date::TIMESTAMP + INTERVAL 1 DAY, last_day::TIMESTAMP, INTERVAL 1 DAY))::DATE::VARCHAR AS dt
     FROM (
       SELECT local_date, timezone(${literal(session.timeZone)}, start_at + to_seconds(duration_s - ${shortestS}))::DATE AS last_day
       FROM (SELECT DISTINCT local_date, start_at, duration_s FROM incoming WHERE duration_s > ${shortestS})
     ) WHERE last_day > local_date`,
  )
  return rows.map((row) => textOf(row, 'dt'))
}
