/** `meterlake replay`: what differs as rows, what was done on stderr. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { Config } from '../schemas/config.ts'
import { type Format, rootsOf } from './command-context.ts'
import { formatCount } from './human.ts'
import { openProgress } from './progress.ts'
import { replayLake } from './replay-lake.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'
import { listenForCancel } from './stop-signal.ts'

export interface ReplayFlags {
  readonly fromRaw?: true
  readonly since?: Date
  readonly diff?: true
  readonly publish?: true
  readonly to?: string
  readonly profile?: 'pge' | 'espi'
  readonly format: Format
}

const columns = [
  { name: 'table', type: 'VARCHAR' },
  { name: 'day', type: 'VARCHAR' },
  { name: 'only_published', type: 'INTEGER' },
  { name: 'only_replayed', type: 'INTEGER' },
  { name: 'changed', type: 'INTEGER' },
  { name: 'note', type: 'VARCHAR' },
]

/** Replays; answers 3 where the rebuilt lake differs and was not published, or loads are missing from it. Throws USAGE, LAKE_*. */
export async function showReplay(config: Config, flags: ReplayFlags): Promise<number> {
  const { since, to, format } = flags
  if (flags.fromRaw !== true) throw new MeterlakeError('USAGE', 'say what it is rebuilt from: --from-raw')
  if (flags.publish && to !== undefined) throw new MeterlakeError('USAGE', 'give --publish or --to, not both')
  using stop = listenForCancel('stopped: nothing was published')
  using progress = openProgress(process.stderr)
  const { plan, commits, lost, differences, published, built } = await replayLake({
    config,
    roots: rootsOf(config),
    to,
    since,
    compare: flags.diff === true || to === undefined,
    publish: flags.publish === true,
    profile: flags.profile,
    progress,
    signal: stop.signal,
  })
  progress[Symbol.dispose]()
  if (plan.lost !== null)
    console.error(
      `the ledger is lost (${plan.lost}): files it does not tell of make a commit for each moment at which they came; nothing to compare with`,
    )
  for (const { loadId, reason } of lost) console.error(`load ${loadId} is left out: ${reason}`)
  if (differences !== undefined && (differences.length > 0 || format !== 'table')) {
    const rows = differences.map((row) => [row.table, row.day, row.onlyHere, row.onlyThere, row.changed, row.note])
    await writeAll(process.stdout, formatRows(format, columns, [rows]))
  } else if (differences !== undefined) console.log('the rebuilt lake is the published one, row for row')
  console.error(`${formatCount(commits)} commits made again${to === undefined ? '' : ` in ${built.lake}`}`)
  if (published !== null)
    console.error(`published as commit ${published}; what it replaces stays for the views that are open`)
  const isOpen = published === null && (differences?.length ?? 0) > 0
  return isOpen || lost.length > 0 ? exitCodes.incomplete : exitCodes.done
}
