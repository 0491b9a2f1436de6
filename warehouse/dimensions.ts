/** What describes the feed: usage points, meter readings, reading types, codes, bills, channels. Only new or different rows are kept. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnList } from './columns.ts'
import { type CommitSession, readTable } from './commit-session.ts'
import { contentList, dimensionKeys, dimensionNames, type DimensionTable, keyText } from './dimension-content.ts'
import { appendTable } from './growing-table.ts'
import { model } from './model.ts'
import { textOf } from './row-values.ts'
import { versionOrder } from './version-content.ts'

/** Appends what is new to the dimension tables. Raises SERIES_KEY_COLLISION. */
export async function appendDimensions(session: CommitSession): Promise<Partial<Manifest['tables']>> {
  const { db } = session
  await findChannels(session)
  const collisions = await db.rows(
    `SELECT series_key::VARCHAR AS series_key FROM all_meter_reading
     WHERE series_key IN (SELECT series_key FROM staged_meter_reading)
     GROUP BY series_key HAVING count(DISTINCT (usage_point_id, meter_reading_id)) > 1 LIMIT 1`,
  )
  if (collisions.length > 0)
    throw new MeterlakeError(
      'SERIES_KEY_COLLISION',
      `two MeterReadings share series_key ${textOf(collisions[0], 'series_key')}`,
    )

  for (const table of dimensionNames) {
    await db.run(
      model('compared-dimension', {
        table,
        columns: columnList(tables[table]),
        content: contentList(table),
        key: dimensionKeys[table].join(', '),
        order: versionOrder(),
      }),
    )
  }
  const append = (table: DimensionTable) => {
    const key = dimensionKeys[table].join(', ')
    return appendTable(session, table, `FROM compared_${table} WHERE is_new ORDER BY ${key}, published_at, byte_offset`)
  }
  const repeated = dimensionNames.map(
    (table) => `SELECT '${table}' AS of_table, ${keyText(table)} AS key, published_at, load_id, commit_id, byte_offset
      FROM compared_${table} WHERE NOT is_new`,
  )
  return {
    usage_point: await append('usage_point'),
    meter_reading: await append('meter_reading'),
    reading_type: await append('reading_type'),
    tou_code: await append('tou_code'),
    usage_summary: await append('usage_summary'),
    usage_summary_line: await appendTable(
      session,
      'usage_summary_line',
      `SELECT l.* FROM staged_usage_summary_line l
       SEMI JOIN (FROM compared_usage_summary WHERE is_new) s USING (summary_id, load_id, byte_offset, commit_id)
       ORDER BY summary_id, byte_offset, line`,
    ),
    confirmation: await appendTable(
      session,
      'confirmation',
      `FROM (${repeated.join(' UNION ALL ')}) ORDER BY of_table, key`,
      `QUALIFY row_number() OVER (PARTITION BY of_table, key ORDER BY ${versionOrder()}) = count(*) OVER (PARTITION BY of_table, key)`,
    ),
    channel: await appendTable(session, 'channel', 'SELECT * EXCLUDE (is_new) FROM new_channel'),
  }
}

/** Makes the table in which batches gather the first and the last interval of each series. */
export async function openChannels(session: CommitSession): Promise<void> {
  await session.db.run(
    `CREATE OR REPLACE TEMP TABLE series_first (series_key BIGINT, flow_direction INTEGER, first_start_at TIMESTAMPTZ, last_start_at TIMESTAMPTZ)`,
  )
}

/** Adds the batch in `arrived`. */
export async function gatherChannels(session: CommitSession): Promise<void> {
  await session.db.run(
    `INSERT INTO series_first SELECT series_key, flow_direction, min(start_at), max(start_at) FROM arrived GROUP BY series_key, flow_direction`,
  )
}

/** Makes `new_channel`: series seen for the first time (`is_new`), or seen earlier than before. */
async function findChannels(session: CommitSession): Promise<void> {
  const known = readTable(session.lake, session.parent, 'channel')
  await session.db.run(`CREATE OR REPLACE TEMP TABLE new_channel AS
    SELECT f.series_key, m.usage_point_id, f.flow_direction, f.first_start_at, ${session.n}::BIGINT AS commit_id, k.series_key IS NULL AS is_new
    FROM (SELECT series_key, flow_direction, min(first_start_at) AS first_start_at FROM series_first GROUP BY ALL) f
    JOIN (SELECT series_key, any_value(usage_point_id) AS usage_point_id FROM all_meter_reading GROUP BY series_key) m
      ON m.series_key = f.series_key
    LEFT JOIN (SELECT series_key, flow_direction, min(first_start_at) AS first_start_at FROM (${known}) GROUP BY ALL) k
      ON k.series_key = f.series_key AND k.flow_direction IS NOT DISTINCT FROM f.flow_direction
    WHERE k.series_key IS NULL OR f.first_start_at < k.first_start_at
    ORDER BY f.series_key`)
}
