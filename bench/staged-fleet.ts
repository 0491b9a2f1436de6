/** A large lake without XML: staged loads as a reader would leave them, made by the engine, with a truth that a formula gives. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { stagingTables, type StagingTableName } from '../schemas/staging.ts'
import { castList, literal } from '../warehouse/columns.ts'
import { Database } from '../warehouse/database.ts'
import { formatPath, loadIdOf } from '../warehouse/paths.ts'
import { openRoots } from '../warehouse/storage.ts'

export const timeZone = 'America/Los_Angeles'

export interface StagedPackage {
  /** Makes its bytes another's. */
  readonly name: string
  readonly publishedAt: string
  readonly meters: number
  /** Length of a reading; an hour where absent. */
  readonly duration_s?: number
  /** Query of block (a meter, from 0), start_s (Unix time) and value of each reading. */
  readonly readings: string
}

/** Stages one load; answers its load_id. */
export async function stagePackage(roots: LakeRoots, staged: StagedPackage): Promise<string> {
  const { name, publishedAt, meters, readings, duration_s = 3600 } = staged
  const { lake } = openRoots(roots)
  const sha256 = createHash('sha256').update(name).digest('hex')
  const loadId = loadIdOf(sha256)
  const published = `TIMESTAMPTZ ${literal(publishedAt)}`
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 1024, scratch: scratch.path })
  await db.run(`CREATE TABLE reading AS SELECT row_number() OVER (ORDER BY block, start_s) * 100 AS byte_offset, *,
      timezone(${literal(timeZone)}, to_timestamp(start_s)) AS local_at FROM (${readings});
    CREATE TABLE meter AS SELECT m, (hash(m) >> 1)::BIGINT AS series_key, 'U' || m AS usage_point_id FROM range(${meters}) t(m)`)
  const href = `'/UsagePoint/' || usage_point_id || '/MeterReading/M'`
  const queries: Partial<Record<StagingTableName, string>> = {
    reading_type: `SELECT 'rt' AS reading_type_id, '/ReadingType/rt' AS href, 4 AS accumulation_behaviour, 1 AS commodity, 1 AS flow_direction,
      12 AS kind, 0 AS power_of_ten, 72 AS uom, false AS conflict, ${published} AS published_at, 0 AS byte_offset`,
    meter_reading: `SELECT series_key, usage_point_id, 'M' AS meter_reading_id, ${href} AS href, 'rt' AS reading_type_id, false AS reused,
      ${published} AS published_at, m AS byte_offset FROM meter`,
    block: `SELECT m AS block_seq, series_key, ${href} AS meter_reading_href, usage_point_id, 'M' AS meter_reading_id,
      ${published} AS published_at, n AS n_readings, false AS rejected, first_offset AS byte_offset
      FROM meter JOIN (SELECT block, count(*) AS n, min(byte_offset) AS first_offset FROM reading GROUP BY block) ON block = m`,
    block_run: `SELECT block AS block_seq, min(start_s) AS start_s, ${duration_s} AS duration_s, count(*) AS n_readings FROM (
        SELECT block, start_s, start_s // ${duration_s} - row_number() OVER (PARTITION BY block ORDER BY start_s) AS run FROM reading)
      GROUP BY block, run ORDER BY block, start_s`,
    readings: `SELECT block AS block_seq, to_timestamp(start_s) AS start_at, ${duration_s} AS duration_s, local_at::DATE AS local_date,
      hour(local_at) + 1 AS he_seq, hour(local_at) + 1 AS he_clock, value, 17 AS quality, 1 AS quality_source, byte_offset
      FROM reading ORDER BY byte_offset`,
  }
  const files: StagedLoadRecord['files'] = {}
  for (const [table, query] of Object.entries(queries) as [StagingTableName, string][]) {
    const path = formatPath({ kind: 'staged', id: loadId, attempt: 'bench', table })
    await mkdir(dirname(lake.locate(path)), { recursive: true })
    const empty = stagingTables[table].fields.map(({ name: column }) => `NULL AS "${column}"`).join(', ')
    const whole = `SELECT ${castList(stagingTables[table])} FROM (SELECT ${empty} WHERE false UNION ALL BY NAME ${query})`
    const { rows, bytes } = await db.copy(whole, lake.locate(path), { rowGroupRows: 122_880 })
    files[table] = { root: 'lake', path, rows, bytes }
  }
  const record: StagedLoadRecord = {
    stage: 'load',
    format: 1,
    loadId,
    sha256,
    status: 'loaded',
    error: null,
    kind: 'usage',
    source: 'file',
    sourceName: `${name}.xml`,
    notificationId: null,
    correlationId: null,
    profile: 'pge',
    timeZone,
    receivedAt: publishedAt,
    feedUpdatedAt: null,
    bytes: 1,
    raw: { root: 'lake', path: formatPath({ kind: 'raw', sha256 }), bytes: 1 },
    counts: {
      entries: 0,
      entriesByKind: {},
      usagePoints: meters,
      blocks: meters,
      readings: files.readings?.rows ?? 0,
      quarantined: 0,
      drift: 0,
      markupRuns: 0,
      slowBytes: 0,
    },
    localDateMin: null,
    localDateMax: null,
    parser: 'bench',
    loadS: 0.001,
    files,
  }
  await lake.putIfAbsent(formatPath({ kind: 'stage', id: loadId }), JSON.stringify(record))
  return loadId
}
