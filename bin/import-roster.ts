/** A roster file into the lake: checked, staged, committed by the publisher. */
import type { Config } from '../schemas/config.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { literal } from '../warehouse/columns.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { openViews } from '../warehouse/query.ts'
import { integerOf } from '../warehouse/row-values.ts'
import { type RosterOutcome, stageRoster } from '../warehouse/stage-roster.ts'
import { openRoots } from '../warehouse/storage.ts'
import { type Format, rootsOf } from './command-context.ts'
import { feedProfile } from './feed-profile.ts'
import { openProgress } from './progress.ts'
import { formatRows, writeAll } from './row-format.ts'
import { runLakeJob } from './run-lake-job.ts'

/** Imports it, valid for `asOf` (default: today), and prints what it holds. Throws ROSTER_INVALID, USAGE, LAKE_*; then nothing is imported. */
export async function importRoster(
  config: Config,
  file: string,
  asOf: string | undefined,
  format: Format,
): Promise<void> {
  const roots = rootsOf(config)
  const manifest = await readNewestManifest(openRoots(roots).lake)
  const timeZone = manifest?.timeZone ?? feedProfile(config, undefined).timeZone
  const now = new Date()
  const day = asOf ?? new Intl.DateTimeFormat('en-CA', { timeZone }).format(now)
  const told = await stageRoster({ roots, file, asOf: day, now })
  {
    using progress = openProgress(process.stderr)
    progress.start('publishing', 0, 0)
    // what was staged before and not committed goes with it
    await runLakeJob(
      { kind: 'publish', roots, timeZone },
      { onProgress: ({ done, total }) => progress.share(done, total) },
    )
  }
  await showImport(told, day, await countUnread(roots, day), format)
}

/** Usage points of the roster in force on a day nothing ever came of. */
async function countUnread(roots: LakeRoots, day: string): Promise<number> {
  await using views = await openViews(roots)
  const [row] = await views.database.rows(
    `SELECT count(DISTINCT usage_point_id)::INTEGER AS n FROM ref.roster WHERE last_reading_date IS NULL
       AND as_of_date = (SELECT max(as_of_date) FROM ref.roster WHERE as_of_date <= DATE ${literal(day)})`,
  )
  return integerOf(row, 'n')
}

const columns = [
  { name: 'roster_id', type: 'VARCHAR' },
  { name: 'as_of_date', type: 'DATE' },
  { name: 'outcome', type: 'VARCHAR' },
  { name: 'rows', type: 'INTEGER' },
  { name: 'usage_points', type: 'INTEGER' },
  { name: 'without_readings', type: 'INTEGER' },
]

async function showImport(told: RosterOutcome, asOf: string, unread: number, format: Format): Promise<void> {
  const { rosterId, outcome, rows, usagePoints, unused } = told
  const shown = outcome === 'known' ? 'known' : 'imported'
  await writeAll(process.stdout, formatRows(format, columns, [[[rosterId, asOf, shown, rows, usagePoints, unread]]]))
  if (outcome === 'known') console.error('the roster in force says the same: nothing to do')
  if (unused.length > 0) console.error(`columns not read: ${unused.join(', ')}`)
  if (unread >= usagePoints)
    console.error(
      'no usage point of the file has any reading: are these the ids of the feed (text, with leading zeros)? Compare core.usage_point',
    )
}
