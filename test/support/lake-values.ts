/** What a lake says, whatever files it came in: for lakes that were fed the same in other ways. */
import type { Row } from './lake-rows.ts'

export interface LakeValues {
  readonly intervals: readonly Row[]
  readonly bills: readonly Row[]
}

/** Current intervals and bills; `where` narrows the intervals. */
export async function lakeValues(
  query: (sql: string) => Promise<readonly Row[]>,
  { where = 'true', withMeterReading = true } = {},
): Promise<LakeValues> {
  const series = withMeterReading ? 'usage_point_id, meter_reading_id' : 'usage_point_id'
  return {
    intervals: await query(
      `SELECT ${series}, start_at, duration_s, value, energy_kwh, quality, flow_direction, tou FROM core.interval WHERE ${where} ORDER BY ALL`,
    ),
    bills: await query(
      'SELECT summary_id, usage_point_id, bill_last_period, billing_start_at, quality_of_reading FROM core.usage_summary ORDER BY ALL',
    ),
  }
}
