/** The generator's truth and `core.interval` as lines that can be compared, to the last digit. */
import type { FeedPackage } from '../../sim/package.ts'
import { type TruthRow, truthRows } from '../../sim/truth.ts'
import { plainDecimal } from './lake-rows.ts'

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z')

const lineOf = (row: TruthRow): string =>
  [
    row.usage_point_id,
    row.meter_reading_id,
    iso(row.start_s * 1000),
    row.duration_s,
    row.value,
    row.power_of_ten,
    row.uom,
    row.flow_direction,
    row.commodity,
    row.energy_kwh === null ? '-' : plainDecimal(row.energy_kwh),
    row.quality,
    row.quality_source,
    row.quality_codes ?? '-',
    row.tou ?? '-',
    row.published_at_ms,
  ].join(' | ')

const partsOf = (id: string): string[] => Buffer.from(id, 'base64').toString().split(':')

const channelOf = (row: TruthRow): string => `${row.usage_point_id} ${partsOf(row.meter_reading_id)[0]}`

/**
 * The rows that count. The generator's ids say what they stand for: `type:meter`, since they were re-encoded `type:usage point:meter`.
 * A usage point with one of each has one meter, and of a start the newer publication counts; with more, nobody can tell which is which.
 */
export function countedRows(packages: readonly FeedPackage[]): TruthRow[] {
  const rows = [...truthRows(packages)].filter((row) => !row.parked)
  const ids = new Map<string, Set<string>>()
  for (const row of rows) ids.set(channelOf(row), (ids.get(channelOf(row)) ?? new Set()).add(row.meter_reading_id))
  const isOneMeter = (row: TruthRow) => {
    const forms = [...(ids.get(channelOf(row)) ?? [])].map((id) => partsOf(id).length)
    return forms.length === 2 && forms[0] !== forms[1]
  }
  const counted = new Map<string, TruthRow>()
  for (const row of rows) {
    const key = `${isOneMeter(row) ? channelOf(row) : `${row.usage_point_id} ${row.meter_reading_id}`} ${row.start_s}`
    const other = counted.get(key)
    if (!other || row.published_at_ms > other.published_at_ms) counted.set(key, row)
  }
  return [...counted.values()]
}

/** What `core.interval` must hold after these packages, sorted; readings without parents are not in it. */
export const truthLines = (packages: readonly FeedPackage[]): string[] => countedRows(packages).map(lineOf).sort()

/** Column `line` of the same form. */
export const intervalLinesSql = `SELECT concat_ws(' | ', usage_point_id, meter_reading_id, strftime(start_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'),
  duration_s, value, power_of_ten, uom, flow_direction, commodity, coalesce(regexp_replace(energy_kwh::VARCHAR, '\\.?0+$', ''), '-'),
  quality, quality_source, CASE WHEN quality_source = 'reading' THEN quality_codes ELSE '-' END, coalesce(tou::VARCHAR, '-'),
  epoch_ms(published_at)) AS line
  FROM core.interval`
