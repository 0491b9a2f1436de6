/** `meterlake gaps --readings`: runs of intervals that should be there and are not. */
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { literal } from '../warehouse/columns.ts'
import { openViews, readRows } from '../warehouse/query.ts'
import type { Format } from './command-context.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

export interface ReadingGapsOptions {
  readonly format: Format
  /** Gaps that were filled or are explained are shown too. */
  readonly all: boolean
  /** Local days they begin on. */
  readonly window: DayWindow | undefined
}

/** Prints mart.gap, longest first; answers 3 where any is open. Throws LAKE_MISSING. */
export async function showReadingGaps(roots: LakeRoots, { format, all, window }: ReadingGapsOptions): Promise<number> {
  await using views = await openViews(roots)
  const conditions = [
    ...(all ? [] : [`status = 'open'`]),
    ...(window ? [`local_date BETWEEN DATE ${literal(window.from)} AND DATE ${literal(window.to)}`] : []),
  ]
  const { columns, rows } = await readRows(
    views.database,
    `SELECT usage_point_id, flow_direction, start_at, end_at, n_intervals, duration_s, status, reason, filled_at, expected_by FROM mart.gap
     WHERE ${[...conditions, 'true'].join(' AND ')} ORDER BY n_intervals * duration_s DESC, usage_point_id, start_at`,
  )
  if (format === 'table' && rows.length === 0) console.log('no interval that should be there is missing')
  else await writeAll(process.stdout, formatRows(format, columns, [rows]))
  const status = columns.findIndex(({ name }) => name === 'status')
  return rows.some((row) => row[status] === 'open') ? exitCodes.incomplete : exitCodes.done
}
