/** The status of a lake, printed. */
import { severityOf } from '../custodian/gaps.ts'
import type { Config } from '../schemas/config.ts'
import type { Format } from './command-context.ts'
import { parkedFacts } from './show-parked.ts'
import { type LakeStatus, readStatus } from './lake-status.ts'
import { exitCodes } from './report-error.ts'
import { rosterLine, type RosterStatus } from './roster-status.ts'
import { text } from 'node:stream/consumers'
import { formatRows, writeAll } from './row-format.ts'

const hourMs = 3_600_000
/** Days the custodian keeps a package where no configuration says otherwise. */
const usualFetchDays = 5

/** Prints the status; answers 3 where a package has waited for a day or more, is parked or lost, else 0. */
export async function showStatus(config: Config, format: Format, loadCount: number): Promise<number> {
  const status = await readStatus(config, loadCount)
  const ageMs = status.oldestUnfetchedAt === null ? null : Date.now() - status.oldestUnfetchedAt.getTime()
  const keptDays = config.custodian?.overrides?.limits?.fetchWithinDays ?? usualFetchDays
  const severity = status.lost > 0 ? 'lost' : ageMs === null ? 'ok' : severityOf(ageMs, keptDays)
  if (format === 'table') await showTables(status, ageMs, keptDays)
  else if (format === 'csv') await writeAll(process.stdout, formatRows(format, roleColumns, [roleRows(status)]))
  else {
    const { lake, roles, loads, oldestUnfetchedAt } = status
    const loadRows: unknown = JSON.parse(await text(formatRows('json', loads.columns, [loads.rows])))
    const facts = {
      lake,
      roles,
      oldest_unfetched_at: oldestUnfetchedAt?.toISOString() ?? null,
      oldest_unfetched_h: ageMs === null ? null : Math.round((ageMs / hourMs) * 10) / 10,
      parked: status.parked.map((one) => parkedFacts(one)),
      unfetched: severity,
      lost: status.lost,
      roster: status.roster === null ? null : rosterFacts(status.roster),
      loads: loadRows,
    }
    console.log(format === 'json' ? JSON.stringify(facts, null, 2) : JSON.stringify(facts))
  }
  const calls = status.parked.length > 0 || severity !== 'ok'
  return calls ? exitCodes.incomplete : exitCodes.done
}

const rosterFacts = ({ asOf, usagePoints, silent, silentSince, never }: RosterStatus) => ({
  as_of_date: asOf,
  usage_points: usagePoints,
  silent,
  silent_since: silentSince,
  never,
})

const roleColumns = ['role', 'state', 'detail'].map((name) => ({ name, type: 'VARCHAR' }))
const roleRows = ({ roles }: LakeStatus) => roles.map(({ role, state, detail }) => [role, state, detail])

const urgency = {
  ok: '',
  warn: '; WARN: fetch it soon',
  page: '; PAGE: fetch it now',
  lost: '; LOST: see meterlake gaps',
} as const

async function showTables(status: LakeStatus, ageMs: number | null, keptDays: number): Promise<void> {
  console.log(`lake ${status.lake}\n`)
  await writeAll(process.stdout, formatRows('table', roleColumns, [roleRows(status)]))
  const waits =
    ageMs === null
      ? 'none'
      : `${(ageMs / hourMs).toFixed(1)} h old (lost at ${keptDays * 24} h)${urgency[severityOf(ageMs, keptDays)]}`
  console.log(`\noldest package not fetched: ${waits}`)
  if (status.lost > 0) console.log(`${status.lost} notifications with packages that are gone: meterlake gaps`)
  if (status.roster !== null) console.log(rosterLine(status.roster))
  console.log('')
  if (status.parked.length > 0) {
    console.log(
      `${status.parked.length} parked, waiting for an operator: meterlake loads retry ID, or loads abandon ID`,
    )
    for (const { workflowId, feed, code } of status.parked) console.log(`  ${workflowId}  ${feed}  ${code ?? ''}`)
    console.log('')
  }
  const { columns, rows } = status.loads
  if (rows.length === 0)
    console.log('nothing has been loaded yet: meterlake load FILE, or npm start for a simulated day')
  else await writeAll(process.stdout, formatRows('table', columns, [rows]))
}
