/** Pairs of series that may be one, printed; and what an operator decides of them, committed. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { type AliasDecision, stageAliasDecision } from '../warehouse/alias-decisions.ts'
import { literal } from '../warehouse/columns.ts'
import { openViews, readRows } from '../warehouse/query.ts'
import type { Format } from './command-context.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'
import { runLakeJob } from './run-lake-job.ts'

export interface ListOptions {
  readonly format: Format
  readonly all: boolean
  readonly usagePoint: string | undefined
}

/** Prints them, open ones first; answers 3 where any is open. Throws LAKE_MISSING. */
export async function listPairs(roots: LakeRoots, { format, all, usagePoint }: ListOptions): Promise<number> {
  await using views = await openViews(roots)
  const { columns, rows } = await readRows(
    views.database,
    `SELECT usage_point_id, series_key, meter_reading_id, other_series_key, other_meter_reading_id,
       CASE WHEN is_open THEN 'open' WHEN is_joined THEN 'one' ELSE 'two' END AS state, reason, shared_from, shared_to
     FROM ops.series_pair
     WHERE ${all ? 'true' : '(is_open OR decided IS NOT NULL)'} ${usagePoint === undefined ? '' : `AND usage_point_id = ${literal(usagePoint)}`}
     ORDER BY NOT is_open, usage_point_id, series_key, other_series_key`,
  )
  if (format === 'table' && rows.length === 0)
    console.log(all ? 'no two series of a usage point mean the same' : 'nothing is open, nothing was decided')
  else await writeAll(process.stdout, formatRows(format, columns, [rows]))
  const state = columns.findIndex(({ name }) => name === 'state')
  return rows.some((row) => row[state] === 'open') ? exitCodes.incomplete : exitCodes.done
}

/** Commits a decision and says what it came to. Throws USAGE, LAKE_*. */
export async function decideAlias(roots: LakeRoots, decision: AliasDecision): Promise<void> {
  for (const key of [decision.series, decision.other])
    if (!/^\d{1,19}$/.test(key))
      throw new MeterlakeError('USAGE', `${JSON.stringify(key)} is no series key: see \`meterlake alias list --all\``)
  const { timeZone } = await stageAliasDecision(roots, decision)
  await runLakeJob({ kind: 'publish', roots, timeZone })
  await using views = await openViews(roots)
  const { rows } = await readRows(
    views.database,
    `SELECT is_joined, is_open FROM ops.series_pair WHERE least(series_key, other_series_key) = least(${decision.series}, ${decision.other})
       AND greatest(series_key, other_series_key) = greatest(${decision.series}, ${decision.other})`,
  )
  const [isJoined, isOpen] = rows[0] ?? []
  const counted = isJoined === true ? 'counted as one series' : 'counted as two series'
  const more =
    decision.decided === 'one' && isJoined !== true
      ? ': others of the usage point contradict it, decide them too (`meterlake alias list --all`)'
      : isOpen === true
        ? ', and open'
        : ''
  console.error(`${decision.series} and ${decision.other} are ${counted}${more}`)
}
