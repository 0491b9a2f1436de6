/** The rows of the lake that an explanation is made of. */
import { addDays } from '../schemas/calendar-day.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { emptySelect, literal } from './columns.ts'
import { readFiles, readTable } from './commit-session.ts'
import type { Database, Row } from './database.ts'
import { model } from './model.ts'
import { integerOf, numberOrNull, textOf } from './row-values.ts'
import type { Storage } from './storage.ts'
import { contentText, versionOrder } from './version-content.ts'
import { energyNullReason, qualityClassName, qualitySourceName, unitName } from './view-expressions.ts'

/** What is to be explained. */
export interface AskedInterval {
  /** At least one of the two. */
  readonly usagePointId?: string | undefined
  readonly meterReadingId?: string | undefined
  /** A moment the interval covers. */
  readonly at: Date
  /** Only series with a version of this flow direction. */
  readonly flowDirection?: number | undefined
}

/** Tells the intervals of rows with `series_key` and `start_at` apart. */
export const intervalKey = (row: Row): string => `${textOf(row, 'series_key')} ${textOf(row, 'start_at')}`

type Series = ReadonlyMap<string, { readonly usagePointId: string; readonly meterReadingId: string }>

const described = ({ usagePointId, meterReadingId }: AskedInterval): string =>
  [usagePointId && `usage point ${usagePointId}`, meterReadingId && `MeterReading ${meterReadingId}`]
    .filter(Boolean)
    .join(', ')

/** The series asked for, by series_key. Raises NOT_IN_LAKE. */
export async function readSeries(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  options: AskedInterval,
): Promise<Series> {
  const { usagePointId, meterReadingId } = options
  const wanted = [
    usagePointId === undefined ? [] : [`usage_point_id = ${literal(usagePointId)}`],
    meterReadingId === undefined ? [] : [`meter_reading_id = ${literal(meterReadingId)}`],
  ].flat()
  const rows = await db.rows(
    `SELECT DISTINCT series_key::VARCHAR AS series_key, usage_point_id, meter_reading_id
     FROM (${readTable(lake, manifest, 'meter_reading')}) WHERE ${wanted.join(' AND ')}`,
  )
  if (rows.length === 0)
    throw new MeterlakeError('NOT_IN_LAKE', `the lake ${lake.root} knows no series of ${described(options)}`, {})
  return new Map(
    rows.map((row) => [
      textOf(row, 'series_key'),
      { usagePointId: textOf(row, 'usage_point_id'), meterReadingId: textOf(row, 'meter_reading_id') },
    ]),
  )
}

const commitsOf = (lake: Storage, manifest: Manifest) =>
  `SELECT DISTINCT commit_id, known_at FROM (${readTable(lake, manifest, 'load')})`

/** Files that may hold rows of these days. */
const daysIn = <F extends { readonly dtMin: string; readonly dtMax: string }>(
  files: readonly F[],
  from: string,
  to: string,
) => files.filter((file) => file.dtMax >= from && file.dtMin <= to)

/** Versions of all intervals that cover the moment or once did, in winner order (`models/explained-version.sql`). Raises NOT_IN_LAKE. */
export async function readVersions(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  keys: readonly string[],
  options: AskedInterval,
): Promise<Row[]> {
  const { at, flowDirection } = options
  // a day more on either side than any zone can be off
  const from = addDays(new Date(at.getTime() - manifest.maxDurationS * 1000).toISOString().slice(0, 10), -1)
  const to = addDays(at.toISOString().slice(0, 10), 1)
  const rows = await db.rows(
    model('explained-version', {
      history: readFiles(lake, daysIn(manifest.history, from, to), emptySelect(tables.history)),
      commits: commitsOf(lake, manifest),
      keys: keys.join(', '),
      from,
      to,
      at: literal(at.toISOString()),
      unit: unitName('h.uom'),
      energy_null_reason: energyNullReason('h.energy_rule'),
      quality_source: qualitySourceName('h.quality_source'),
      quality_class: qualityClassName('h.quality'),
      content: contentText,
      order: versionOrder('h.'),
    }),
  )
  const flows = new Set(
    rows.flatMap((row) => (row['flow_direction'] === flowDirection ? [textOf(row, 'series_key')] : [])),
  )
  const wanted = flowDirection === undefined ? rows : rows.filter((row) => flows.has(textOf(row, 'series_key')))
  if (wanted.length === 0)
    throw new MeterlakeError(
      'NOT_IN_LAKE',
      `no interval of ${described(options)}${flowDirection === undefined ? '' : ` with flow direction ${flowDirection}`} ever covered ${at.toISOString()}`,
      {},
    )
  return wanted
}

/** Blocks that said these intervals again, by {@link intervalKey} (`models/explained-receipt.sql`). */
export async function readConfirmations(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  versions: readonly Row[],
): Promise<ReadonlyMap<string, Row[]>> {
  const days = versions.map((row) => textOf(row, 'local_date')).sort()
  const [from = '', to = ''] = [days[0], days.at(-1)]
  const asked = new Set(
    versions.map((row) => `(${textOf(row, 'series_key')}::BIGINT, ${literal(textOf(row, 'start_at'))}::TIMESTAMPTZ)`),
  )
  const rows = await db.rows(
    model('explained-receipt', {
      asked: [...asked].join(', '),
      receipts: readFiles(lake, daysIn(manifest.receipts, from, to), emptySelect(tables.receipt)),
      history: readFiles(lake, daysIn(manifest.history, from, to), emptySelect(tables.history)),
      commits: commitsOf(lake, manifest),
      from,
      to,
    }),
  )
  return Map.groupBy(rows, intervalKey)
}

/** Tells the versions that read their unit off one ReadingType apart from others. */
export const meaningKey = (row: Row): string =>
  `${textOf(row, 'series_key')} ${textOf(row, 'load_id')} ${integerOf(row, 'commit_id')}`

const code = (row: Row, column: string) => `${numberOrNull(row, column) ?? 'NULL'}::INTEGER`

/** The ReadingTypes of versions, by {@link meaningKey} (`models/explained-reading-type.sql`); of those in conflict there may be none. */
export async function readReadingTypes(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  versions: readonly Row[],
): Promise<ReadonlyMap<string, Row>> {
  const asked = versions.map((row) => {
    const codes = ['power_of_ten', 'uom', 'flow_direction', 'commodity'].map((column) => code(row, column))
    const load = literal(textOf(row, 'load_id'))
    return `(${textOf(row, 'series_key')}::BIGINT, ${load}, ${integerOf(row, 'commit_id')}::BIGINT, ${codes.join(', ')})`
  })
  const from = (table: 'meter_reading' | 'reading_type') => readTable(lake, manifest, table)
  const rows = await db.rows(
    model('explained-reading-type', {
      asked: [...new Set(asked)].join(', '),
      meter_reading: from('meter_reading'),
      reading_type: from('reading_type'),
    }),
  )
  return new Map(rows.map((row) => [meaningKey(row), row]))
}
