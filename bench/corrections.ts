/**
 * `npm run bench:corrections`: a daily package of about 100,000 readings on a lake of three years, with and without corrections of 10
 * readings on each of 1,000 past days; and the month query afterwards against the lake without them. Sums are asserted first.
 *
 *   npm run bench:corrections                        10 M readings (380 meters)
 *   npm run bench:corrections -- --meters 1900       50 M
 */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publishStaged } from '../warehouse/publish.ts'
import { cli } from './cli.ts'
import { measure, median } from './measure.ts'
import { stagePackage, timeZone } from './staged-fleet.ts'

const { values: flags } = parseArgs({
  options: {
    meters: { type: 'string', default: '380' },
    rounds: { type: 'string', default: '3' },
    cache: { type: 'string', default: join(tmpdir(), 'meterlake-bench') },
  },
})
const meters = Number(flags.meters)
const days = 1_096
const first_s = Date.parse('2023-01-01T08:00:00Z') / 1000
const end_s = first_s + days * 86_400
const valueOf = (start: string, meter: string) => `(500 + (${start} // 3600 * 7 + ${meter} * 13) % 900)`

/** The lake of three years, made once and kept: published in pieces of a quarter. */
async function baseLake(): Promise<string> {
  const folder = join(flags.cache, `fleet-${meters}`)
  if (existsSync(join(folder, 'done'))) return folder
  rmSync(folder, { recursive: true, force: true })
  const roots = { lake: join(folder, 'lake'), pii: join(folder, 'pii') }
  const step = 91
  for (let day = 0; day < days; day += step) {
    const until = Math.min(day + step, days)
    await stagePackage(roots, {
      name: `base ${day}`,
      publishedAt: new Date((first_s + until * 86_400) * 1000).toISOString(),
      meters,
      readings: `SELECT m AS block, s AS start_s, ${valueOf('s', 'm')} AS value FROM range(${meters}) a(m),
        range(${first_s + day * 86_400}, ${first_s + until * 86_400}, 3600) b(s)`,
    })
    await publishStaged({ roots, timeZone, deferViews: true })
    console.error(`${until} of ${days} days`)
  }
  mkdirSync(join(folder, 'done'))
  return folder
}

/** New readings, about 100,000: some hours of all meters after the last day. */
const freshHours = Math.ceil(100_000 / meters)
const fresh = `SELECT m AS block, s AS start_s, ${valueOf('s', 'm')} AS value FROM range(${meters}) a(m),
  range(${end_s}, ${end_s + freshHours * 3600}, 3600) b(s)`
/** Ten readings on each of a thousand past days, one thousand more than they were. */
const corrections = `SELECT (d * 31 + k * 37) % ${meters} AS block, ${first_s} + d * 86400 + (k * 2 + 3) * 3600 AS start_s,
  ${valueOf(`(${first_s} + d * 86400 + (k * 2 + 3) * 3600)`, `((d * 31 + k * 37) % ${meters})`)} + 1000 AS value
  FROM range(40, 1040) a(d), range(10) b(k)`

interface Published {
  readonly lake: string
  readonly cpu_s: number
  readonly wall_s: number
}

/** Publishes a package on a copy of the base lake, by the process that publishes for users. */
async function publishOn(base: string, name: string, readings: string): Promise<Published> {
  const folder = join(flags.cache, `fleet-${meters}-${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // files are never changed, so that links to them are a copy
  cpSync(join(base, 'lake', 'manifests'), join(folder, 'lake', 'manifests'), { recursive: true })
  for (const part of ['current', 'history', 'receipts', 'dims', 'ledger'])
    await measure(['cp', '-rl', join(base, 'lake', part), join(folder, 'lake', part)])
  const roots = { lake: join(folder, 'lake'), pii: join(folder, 'pii') }
  await stagePackage(roots, { name, publishedAt: '2026-03-01T00:00:00Z', meters, readings })
  const { cpu_s, wall_s } = await measure([
    process.execPath,
    new URL('publish-once.ts', import.meta.url).pathname,
    roots.lake,
    roots.pii,
  ])
  return { lake: roots.lake, cpu_s, wall_s }
}

/** CPU seconds of the hourly net of a month by usage point; its sum. */
async function monthQuery(lake: string): Promise<{ cpu_s: number; answer: string }> {
  const sql = `SELECT count(*) AS n, sum(net)::VARCHAR AS net FROM (
    SELECT usage_point_id, hour_start_at, sum(net_kwh) AS net FROM mart.load_hourly
    WHERE local_date BETWEEN '2025-10-01' AND '2025-10-31' GROUP BY ALL)`
  const { cpu_s, stdout } = await measure([...cli, 'sql', sql, '--lake', lake, '--format', 'json'])
  return { cpu_s, answer: stdout.trim() }
}

async function total(lake: string): Promise<string> {
  const { stdout } = await measure([
    ...cli,
    'sql',
    'SELECT count(*) AS n, sum(value)::VARCHAR AS total FROM core.interval',
    '--lake',
    lake,
    '--format',
    'json',
  ])
  return stdout.trim()
}

function expect(found: string, wanted: { n: number; total: bigint }): void {
  const [row] = JSON.parse(found) as { n: number | string; total: string }[]
  if (Number(row?.n) !== wanted.n || row?.total !== String(wanted.total))
    throw new Error(`${found} instead of ${wanted.n} readings, ${wanted.total}`)
}

/** What the formula says of all meters from the first hour on. */
function truth(hours: number): { n: number; total: bigint } {
  let sum = 0n
  for (let hour = 0; hour < hours; hour += 1)
    for (let meter = 0; meter < meters; meter += 1)
      sum += BigInt(500 + (((first_s / 3600 + hour) * 7 + meter * 13) % 900))
  return { n: hours * meters, total: sum }
}

const base = await baseLake()
const hours = days * 24
const plain = truth(hours + freshHours)
const corrected = { n: plain.n, total: plain.total + 10_000n * 1_000n }
const ratios = { publish: [] as number[], query: [] as number[] }
console.log(`${plain.n} readings, ${meters} meters, ${days} days; a package of ${freshHours * meters} readings\n`)
console.log('| package | publish, CPU-s | wall s | month query, CPU-s |')
console.log('|---|---|---|---|')
for (let round = 0; round < Number(flags.rounds); round += 1) {
  const without = await publishOn(base, 'without', fresh)
  const withThem = await publishOn(base, 'with', `${fresh} UNION ALL ${corrections}`)
  expect(await total(without.lake), plain)
  expect(await total(withThem.lake), corrected)
  const queries = [await monthQuery(without.lake), await monthQuery(withThem.lake)] as const
  for (const [name, { cpu_s, wall_s }, query] of [
    ['without corrections', without, queries[0]],
    ['with 10 on each of 1,000 past days', withThem, queries[1]],
  ] as const)
    console.log(`| ${name} | ${cpu_s.toFixed(2)} | ${wall_s.toFixed(2)} | ${query.cpu_s.toFixed(2)} |`)
  ratios.publish.push(withThem.cpu_s / without.cpu_s)
  ratios.query.push(queries[1].cpu_s / queries[0].cpu_s)
}
console.log(`\npublish ${median(ratios.publish).toFixed(2)}x, month query ${median(ratios.query).toFixed(2)}x`)
