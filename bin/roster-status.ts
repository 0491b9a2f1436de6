/** How many usage points of the roster are silent, and since when. */
import type { Database } from '../warehouse/database.ts'
import { integerOf, textOf } from '../warehouse/row-values.ts'

export interface RosterStatus {
  /** Day for which the newest roster was valid. */
  readonly asOf: string
  /** Usage points that should have readings of the newest operating day. */
  readonly usagePoints: number
  /** Of these: nothing came for longer than {@link silentBeyondDays}. */
  readonly silent: number
  /** Since when the longest silent one is; null: none is. */
  readonly silentSince: string | null
  /** Of the silent ones: nothing ever came. */
  readonly never: number
}

/** A meter may be late for days: validation holds its readings back. */
const silentBeyondDays = 3

/** Null where there is no roster. */
export async function readRosterStatus(database: Database): Promise<RosterStatus | null> {
  const silent = `silent_days > ${silentBeyondDays}`
  const [row] = await database.rows(`SELECT max(as_of_date)::VARCHAR AS as_of,
      count(DISTINCT usage_point_id) FILTER (WHERE is_expected)::INTEGER AS n,
      count(DISTINCT usage_point_id) FILTER (WHERE ${silent})::INTEGER AS silent,
      min(silent_since) FILTER (WHERE ${silent})::VARCHAR AS silent_since,
      count(DISTINCT usage_point_id) FILTER (WHERE ${silent} AND last_reading_date IS NULL)::INTEGER AS never
    FROM ref.roster`)
  if (row === undefined || row['as_of'] === null) return null
  return {
    asOf: textOf(row, 'as_of'),
    usagePoints: integerOf(row, 'n'),
    silent: integerOf(row, 'silent'),
    silentSince: textOf(row, 'silent_since') || null,
    never: integerOf(row, 'never'),
  }
}

/** One line of `status`. */
export function rosterLine({ asOf, usagePoints, silent, silentSince, never }: RosterStatus): string {
  const due = `roster of ${asOf}: ${usagePoints.toLocaleString('en-US')} usage points should have data`
  if (silent === 0) return `${due}; none is silent for more than ${silentBeyondDays} days`
  const unknown = never === 0 ? '' : ` (${never.toLocaleString('en-US')} never had any)`
  return `${due}; ${silent.toLocaleString('en-US')} silent for more than ${silentBeyondDays} days${unknown}, the longest since ${silentSince}: meterlake roster show --silent`
}
