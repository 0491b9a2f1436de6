/** `meterlake roster show`: who should have data, and whether it comes. */
import type { LakeRoots } from '../schemas/load-process.ts'
import { openViews, readRows } from '../warehouse/query.ts'
import type { Format } from './command-context.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

/** Prints ref.roster; answers 3 where `silent` ones were asked for and there are any. Throws LAKE_MISSING. */
export async function showRoster(roots: LakeRoots, format: Format, silent: boolean): Promise<number> {
  await using views = await openViews(roots)
  const { columns, rows } = await readRows(
    views.database,
    silent
      ? 'SELECT * FROM ref.roster WHERE silent_since IS NOT NULL ORDER BY silent_since, usage_point_id'
      : 'SELECT * FROM ref.roster ORDER BY usage_point_id, from_date',
  )
  if (format !== 'table' || rows.length > 0) await writeAll(process.stdout, formatRows(format, columns, [rows]))
  else if ((await readRows(views.database, 'SELECT 1 FROM ref.roster LIMIT 1')).rows.length > 0)
    console.log('every usage point of the roster that should report does')
  else console.log('there is no roster yet: meterlake roster import FILE')
  return silent && rows.length > 0 ? exitCodes.incomplete : exitCodes.done
}
