/** What describes the feed: usage points, meter readings, reading types, codes, bills, channels. Only new or different rows are kept. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnList, emptySelect, identifier } from './columns.ts'
import { type CommitSession, readFiles } from './commit-session.ts'
import { appendTable } from './growing-table.ts'
import { model } from './model.ts'
import { textOf } from './row-values.ts'

const keys = {
  usage_point: ['usage_point_id'],
  meter_reading: ['series_key'],
  reading_type: ['reading_type_id'],
  tou_code: ['kind', 'code'],
  usage_summary: ['summary_id'],
} as const

const provenance = new Set(['published_at', 'load_id', 'commit_id', 'byte_offset'])

/** Columns that make up the content of a version. */
const contentOf = (table: keyof typeof keys): string[] =>
  tables[table].fields
    .map((field) => field.name)
    .filter((name) => !provenance.has(name) && !(keys[table] as readonly string[]).includes(name))
    .map(identifier)

const changedQuery = (table: keyof typeof keys): string =>
  model('changed-dimension', {
    columns: columnList(tables[table]),
    content: contentOf(table).join(', '),
    key: keys[table].join(', '),
    extra: '',
    staged: `staged_${table}`,
    lake: `lake_${table}`,
  })

const linesText = (source: string): string => {
  const cells = tables.usage_summary_line.fields
    .map((field) => field.name)
    .filter((name) => !provenance.has(name) && name !== 'summary_id')
    .map((name) => `coalesce(${identifier(name)}::VARCHAR, '')`)
  return `SELECT summary_id, load_id, byte_offset, string_agg(concat_ws(chr(31), ${cells.join(', ')}), chr(30) ORDER BY line) AS lines
    FROM ${source} GROUP BY ALL`
}

/** A bill is different where its summary or any of its lines is. */
const summaryWithLines = (source: 'staged' | 'lake'): string =>
  `(SELECT s.*, l.lines FROM ${source}_usage_summary s
    LEFT JOIN (${linesText(`${source}_usage_summary_line`)}) l USING (summary_id, load_id, byte_offset))`

/** Appends what is new to the dimension tables. Raises SERIES_KEY_COLLISION. */
export async function appendDimensions(session: CommitSession): Promise<Partial<Manifest['tables']>> {
  const { db } = session
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

  await db.run(
    `CREATE OR REPLACE TEMP TABLE new_usage_summary AS ${model('changed-dimension', {
      columns: columnList(tables.usage_summary),
      content: [...contentOf('usage_summary'), 'lines'].join(', '),
      key: keys.usage_summary.join(', '),
      extra: 'lines,',
      staged: summaryWithLines('staged'),
      lake: summaryWithLines('lake'),
    })}`,
  )
  return {
    usage_point: await appendTable(session, 'usage_point', changedQuery('usage_point')),
    meter_reading: await appendTable(session, 'meter_reading', changedQuery('meter_reading')),
    reading_type: await appendTable(session, 'reading_type', changedQuery('reading_type')),
    tou_code: await appendTable(session, 'tou_code', changedQuery('tou_code')),
    usage_summary: await appendTable(session, 'usage_summary', 'FROM new_usage_summary'),
    usage_summary_line: await appendTable(
      session,
      'usage_summary_line',
      `SELECT l.* FROM staged_usage_summary_line l
       SEMI JOIN new_usage_summary s USING (summary_id, load_id, byte_offset) ORDER BY summary_id, byte_offset, line`,
    ),
    channel: await appendTable(session, 'channel', newChannels(session)),
  }
}

/** Makes the table in which batches gather the first interval of each series. */
export async function openChannels(session: CommitSession): Promise<void> {
  await session.db.run(
    `CREATE OR REPLACE TEMP TABLE series_first (series_key BIGINT, flow_direction INTEGER, first_start_at TIMESTAMPTZ)`,
  )
}

/** Adds the batch in `arrived`. */
export async function gatherChannels(session: CommitSession): Promise<void> {
  await session.db.run(
    `INSERT INTO series_first SELECT series_key, flow_direction, min(start_at) FROM arrived GROUP BY series_key, flow_direction`,
  )
}

/** Series seen for the first time, or seen earlier than before. */
function newChannels(session: CommitSession): string {
  const known = readFiles(session.lake, session.parent.tables.channel, emptySelect(tables.channel))
  return `SELECT f.series_key, m.usage_point_id, f.flow_direction, f.first_start_at, ${session.n}::BIGINT AS commit_id
    FROM (SELECT series_key, flow_direction, min(first_start_at) AS first_start_at FROM series_first GROUP BY ALL) f
    JOIN (SELECT series_key, any_value(usage_point_id) AS usage_point_id FROM all_meter_reading GROUP BY series_key) m
      ON m.series_key = f.series_key
    LEFT JOIN (SELECT series_key, flow_direction, min(first_start_at) AS first_start_at FROM (${known}) GROUP BY ALL) k
      ON k.series_key = f.series_key AND k.flow_direction IS NOT DISTINCT FROM f.flow_direction
    WHERE k.series_key IS NULL OR f.first_start_at < k.first_start_at
    ORDER BY f.series_key`
}
