/** What a demo run ends with: the loads, a day's load by hour, the mix of qualities, what to try next. From the views, as a user would. */
import { relative } from 'node:path'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Database, Row } from '../warehouse/database.ts'
import { formatBytes, formatCount, formatDuration } from './human.ts'
import { openViews } from '../warehouse/query.ts'
import { textOf } from '../warehouse/row-values.ts'

export interface DemoReport {
  readonly roots: LakeRoots
  /** Operating day, `YYYY-MM-DD`. */
  readonly day: string
  readonly loadIds: readonly string[]
  /** From the notification to the views. */
  readonly tookMs: number
}

const listOf = (ids: readonly string[]) => (ids.length === 0 ? 'NULL' : ids.map((id) => `'${id}'`).join(', '))
const number = (row: Row, name: string) => Number(row[name] ?? 0)

/** The report as lines. */
export async function demoReport({ roots, day, loadIds, tookMs }: DemoReport): Promise<string[]> {
  await using views = await openViews(roots)
  const { database } = views
  return [
    ...(await loadLines(database, loadIds, tookMs)),
    '',
    ...(await revisionLines(database, loadIds)),
    ...(await hourLines(database, day)),
    '',
    ...(await qualityLines(database, day)),
    '',
    ...nextLines(roots, day),
  ]
}

async function loadLines(database: Database, loadIds: readonly string[], tookMs: number): Promise<string[]> {
  const sums = ['bytes', 'n_readings', 'n_new', 'n_revised', 'n_unchanged', 'n_parked', 'n_quarantined']
  const [row] = await database.rows(
    `SELECT count(*) AS files, ${sums.map((name) => `coalesce(sum(${name}), 0)::BIGINT AS ${name}`).join(', ')}
     FROM ops.load WHERE load_id IN (${listOf(loadIds)})`,
  )
  if (row === undefined) return []
  const count = (name: string) => formatCount(number(row, name))
  const facts = [
    ['files', `${count('files')} (${formatBytes(number(row, 'bytes'))})`],
    [
      'readings',
      `${count('n_readings')}: ${count('n_new')} new, ${count('n_revised')} revised, ${count('n_unchanged')} unchanged`,
    ],
    ['parked', `${count('n_parked')} (their MeterReading has not come yet)`],
    ['quarantined', `${count('n_quarantined')} entries`],
    ['took', formatDuration(tookMs)],
  ]
  return ['What was loaded', ...facts.map(([name = '', value = '']) => `  ${name.padEnd(12)} ${value}`)]
}

/** Earlier days that this package corrected, none: no lines. */
async function revisionLines(database: Database, loadIds: readonly string[]): Promise<string[]> {
  const ids = listOf(loadIds)
  const rows = await database.rows(
    `WITH before AS (
       SELECT series_key, start_at, arg_max(energy_kwh, known_at) AS energy_kwh FROM core.interval_version
       WHERE load_id NOT IN (${ids}) GROUP BY ALL)
     SELECT local_date, count(*) AS n, sum(now.energy_kwh - before.energy_kwh)::DOUBLE AS change
     FROM core.interval_version AS now JOIN before USING (series_key, start_at)
     WHERE now.load_id IN (${ids}) GROUP BY ALL ORDER BY local_date`,
  )
  if (rows.length === 0) return []
  const lines = rows.map((row) => {
    const change = number(row, 'change')
    return `  ${textOf(row, 'local_date')} ${formatCount(number(row, 'n')).padStart(8)} ${(change > 0 ? '+' : '') + change.toFixed(3)}`
  })
  return ['What it corrected of earlier days', '  day        intervals  kWh', ...lines, '']
}

const barWidth = 24

const kwh = (row: Row, name: string) => (row[name] === null ? 'unknown' : number(row, name).toFixed(3)).padStart(11)

/** Delivered, received and net energy by hour, with a bar for net (to the left of zero where the grid received more). */
async function hourLines(database: Database, day: string): Promise<string[]> {
  const rows = await database.rows(
    `SELECT he_seq, he_clock, n_usage_points, n_net_unknown, delivered_kwh::DOUBLE AS delivered,
       received_kwh::DOUBLE AS received, net_kwh::DOUBLE AS net
     FROM mart.load_system_hourly WHERE local_date = DATE '${day}' ORDER BY hour_start_at`,
  )
  if (rows.length === 0) return [`No hourly load on ${day}`]
  const nets = rows.map((row) => number(row, 'net'))
  const top = Math.max(0, ...nets)
  const bottom = Math.min(0, ...nets)
  const scale = barWidth / (top - bottom || 1)
  const lines = rows.map((row, index) => {
    const net = nets[index] ?? 0
    const zero = Math.round(-bottom * scale)
    const bar =
      net < 0
        ? `${' '.repeat(zero - Math.round(-net * scale))}${'▒'.repeat(Math.round(-net * scale))}`
        : `${' '.repeat(zero)}${'█'.repeat(Math.round(net * scale))}`
    const hour = String(number(row, 'he_clock')).padStart(4)
    return `  ${hour} ${kwh(row, 'delivered')} ${kwh(row, 'received')} ${kwh(row, 'net')} ${formatCount(number(row, 'n_usage_points')).padStart(7)}  ${bar}`.trimEnd()
  })
  const unknown = rows.reduce((sum, row) => sum + number(row, 'n_net_unknown'), 0)
  return [
    `Load of ${day} by hour ending, kWh${rows.length === 24 ? '' : ` (the clocks change: ${rows.length} hours)`}`,
    `  hour   delivered    received         net  meters`,
    ...lines,
    ...(unknown > 0
      ? [
          `  net leaves out ${formatCount(unknown)} meter hours whose export or quarters are missing, and has in it the meters that read net only`,
        ]
      : []),
  ]
}

async function qualityLines(database: Database, day: string): Promise<string[]> {
  const rows = await database.rows(
    `SELECT quality_class, count(*) AS n FROM core.interval WHERE local_date = DATE '${day}' GROUP BY ALL ORDER BY n DESC, 1`,
  )
  const total = rows.reduce((sum, row) => sum + number(row, 'n'), 0)
  const shares = rows.map(
    (row) => `${textOf(row, 'quality_class') || 'none'} ${((100 * number(row, 'n')) / total).toFixed(1)}%`,
  )
  return ['Quality of its intervals', `  ${shares.join(' · ')}`]
}

function nextLines({ lake }: LakeRoots, day: string): string[] {
  const near = relative(process.cwd(), lake)
  const flag = near === 'lake' ? '' : ` --lake ${near.startsWith('..') || near === '' ? lake : near}`
  return [
    `The lake is ${lake}`,
    'Try next',
    `  ./bin/meterlake sql "SELECT usage_point_id, sum(net_kwh) AS net_kwh FROM mart.load_hourly WHERE local_date = '${day}' GROUP BY 1 ORDER BY 2 DESC LIMIT 5"${flag}`,
    `  ./bin/meterlake status${flag}`,
    `  npm start${flag === '' ? '' : ` --${flag}`}      the next day, and what it corrects of the days before`,
  ]
}
