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

/** What `core.interval` must hold after these packages, sorted; readings without parents are not in it. */
export const truthLines = (packages: readonly FeedPackage[]): string[] =>
  [...truthRows(packages)]
    .filter((row) => !row.parked)
    .map(lineOf)
    .sort()

/** Column `line` of the same form. */
export const intervalLinesSql = `SELECT concat_ws(' | ', usage_point_id, meter_reading_id, strftime(start_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'),
  duration_s, value, power_of_ten, uom, flow_direction, commodity, coalesce(regexp_replace(energy_kwh::VARCHAR, '\\.?0+$', ''), '-'),
  quality, quality_source, CASE WHEN quality_source = 'reading' THEN quality_codes ELSE '-' END, coalesce(tou::VARCHAR, '-'),
  epoch_ms(published_at)) AS line
  FROM core.interval`
