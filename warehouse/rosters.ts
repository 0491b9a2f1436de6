/** Staged rosters as a commit takes them. */
import type { Manifest } from '../schemas/manifest.ts'
import type { StagedRoster } from '../schemas/stage.ts'
import { literal } from './columns.ts'
import { type CommitSession, readFiles, readTable } from './commit-session.ts'
import type { Database } from './database.ts'
import { textOf } from './row-values.ts'
import type { Storage } from './storage.ts'

/** Ids of stages whose commit has happened, or that another one for the same day has replaced. */
export async function spentRosters(
  lake: Storage,
  db: Database,
  parent: Manifest,
  stages: ReadonlyMap<string, StagedRoster>,
): Promise<readonly string[]> {
  if (stages.size === 0) return []
  const rows = await db.rows(
    `SELECT DISTINCT as_of_date::VARCHAR AS as_of, roster_id FROM (${readTable(lake, parent, 'roster')})
     QUALIFY commit_id = max(commit_id) OVER (PARTITION BY as_of_date)`,
  )
  const committed = new Set(rows.map((row) => `${textOf(row, 'as_of')} ${textOf(row, 'roster_id')}`))
  const newest = new Map<string, string>()
  for (const { asOf, stagedAt } of stages.values()) if (stagedAt > (newest.get(asOf) ?? '')) newest.set(asOf, stagedAt)
  return [...stages].flatMap(([id, { asOf, rosterId, stagedAt }]) =>
    committed.has(`${asOf} ${rosterId}`) || stagedAt < (newest.get(asOf) ?? '') ? [id] : [],
  )
}

/** The rows of staged rosters, in the columns of table `roster`. */
export const rosterQuery = (session: CommitSession, stages: readonly StagedRoster[], knownAt: string): string =>
  `SELECT *, ${session.n}::BIGINT AS commit_id, TIMESTAMPTZ ${literal(knownAt)} AS known_at FROM (${readFiles(
    session.lake,
    stages.map(({ file }) => file),
    '',
  )}) ORDER BY as_of_date, usage_point_id, from_date`
