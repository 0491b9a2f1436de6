/**
 * `npm run bench:month`: hourly load by rate class of a month of quarter hours, 30 daily packages that each repeat the two days before with
 * 2 % of them changed. The current files against QUALIFY over history that holds changes only, and over everything received; and the
 * bytes an interval takes. The three answers must agree first.
 *
 *   npm run bench:month                       14.4 M readings (5,000 meters)
 *   npm run bench:month -- --meters 500
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { columnList, literal } from '../warehouse/columns.ts'
import { Database } from '../warehouse/database.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { publishStaged } from '../warehouse/publish.ts'
import { openRoots } from '../warehouse/storage.ts'
import { ensureViews } from '../warehouse/views.ts'
import { tables } from '../schemas/tables.ts'
import { median } from './measure.ts'
import { stagePackage, timeZone } from './staged-fleet.ts'

const { values: flags } = parseArgs({
  options: {
    meters: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    cache: { type: 'string', default: join(tmpdir(), 'meterlake-bench') },
  },
})
const meters = Number(flags.meters)
const days = 30
const first_s = Date.parse('2025-11-03T08:00:00Z') / 1000
const folder = join(flags.cache, `month-${meters}`)
const roots = { lake: join(folder, 'lake'), pii: join(folder, 'pii') }
const received = join(folder, 'received')

/** What the package of a day says: its day, and the two before, of which it changes one reading in fifty. */
const packageOf = (day: number) => `SELECT m AS block, s AS start_s,
    100 + hash(m, s) % 900 + CASE WHEN s < ${first_s + day * 86_400} AND hash(m, s, ${day}) % 50 = 0 THEN ${day + 1} ELSE 0 END AS value
  FROM range(${meters}) a(m), range(${first_s + Math.max(0, day - 2) * 86_400}, ${first_s + (day + 1) * 86_400}, 900) b(s)`
const publishedAt = (day: number) => new Date((first_s + (day + 1) * 86_400 + 7_200) * 1000).toISOString()

/** Loads the month, once; keeps all that was received, in the columns and the compression of history. */
async function load(): Promise<void> {
  if (existsSync(join(folder, 'done'))) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(received, { recursive: true })
  for (let day = 0; day < days; day += 1) {
    const [readings, published] = [packageOf(day), publishedAt(day)]
    const loadId = await stagePackage(roots, {
      name: `day ${day}`,
      publishedAt: published,
      meters,
      duration_s: 900,
      readings,
    })
    await using db = await Database.open({ threads: 1, memoryLimitMb: 1024, scratch: join(folder, 'spill') })
    await db.copy(
      `SELECT ${columnList(tables.history)} FROM (
        SELECT (hash(block) >> 1)::BIGINT AS series_key, to_timestamp(start_s) AS start_at, 900 AS duration_s,
          timezone('${timeZone}', to_timestamp(start_s))::DATE AS local_date, 1 AS he_seq, 1 AS he_clock, value::BIGINT AS value, 0 AS power_of_ten, 72 AS uom,
          1 AS flow_direction, 1 AS commodity, (value::DECIMAL(18,0) * 0.001::DECIMAL(3,3))::DECIMAL(18,9) AS energy_kwh, 0 AS energy_rule,
          17 AS quality, NULL::VARCHAR AS quality_codes, 1 AS quality_source, NULL::INTEGER AS tou, NULL::INTEGER AS cpp,
          NULL::INTEGER AS consumption_tier, NULL::BIGINT AS cost, false AS superseded, TIMESTAMPTZ '${published}' AS published_at,
          '${loadId}' AS load_id, ${day + 1}::BIGINT AS commit_id, (row_number() OVER () * 100)::BIGINT AS byte_offset
        FROM (${readings})) ORDER BY series_key, start_at`,
      join(received, `${day}.parquet`),
      { rowGroupRows: 122_880 },
    )
    await publishStaged({ roots, timeZone, deferViews: true })
    console.error(`${day + 1} of ${days} days`)
  }
  mkdirSync(join(folder, 'done'))
}

await load()
await ensureViews(roots)
const manifest = await readNewestManifest(openRoots(roots).lake)
if (!manifest) throw new Error('nothing was published')
const { lake } = openRoots(roots)
const files = (list: readonly { path: string }[]) =>
  `read_parquet([${list.map(({ path }) => literal(lake.locate(path))).join(', ')}], hive_partitioning = false)`
const newest = (source: string) => `(SELECT series_key, start_at, local_date, flow_direction, energy_kwh FROM ${source}
  QUALIFY row_number() OVER (PARTITION BY series_key, start_at ORDER BY published_at DESC, commit_id DESC, byte_offset DESC) = 1)`
const sources = {
  'current files (core.interval)': 'core.interval',
  'QUALIFY over changes only': newest(files(manifest.history)),
  'QUALIFY over everything received': newest(`read_parquet(${literal(join(received, '*.parquet'))})`),
}
const query = (
  source: string,
) => `SELECT count(*)::INTEGER AS hours, md5(string_agg(class || ' ' || hour || ' ' || kwh, ',' ORDER BY class, hour)) AS answer FROM (
  SELECT class, epoch_us(start_at) // 3600000000 AS hour, sum(CASE flow_direction WHEN 19 THEN -energy_kwh ELSE energy_kwh END) AS kwh
  FROM ${source} v JOIN rate_class r ON r.series_key = v.series_key
  WHERE local_date BETWEEN '2025-11-03' AND '2025-12-02' GROUP BY ALL)`

await using db = await Database.open({
  path: join(roots.lake, 'views.duckdb'),
  readOnly: true,
  threads: 2,
  memoryLimitMb: 6_000,
  scratch: join(folder, 'spill'),
})
await db.run(
  `CREATE TEMP TABLE rate_class AS SELECT (hash(m) >> 1)::BIGINT AS series_key, m % 5 AS class FROM range(${meters}) t(m)`,
)
const cpu: Record<string, number[]> = {}
let agreed: unknown
for (let round = 0; round < Number(flags.rounds); round += 1)
  for (const [name, source] of Object.entries(sources)) {
    const before = process.cpuUsage()
    const [answer] = await db.rows(query(source))
    const { user, system } = process.cpuUsage(before)
    agreed ??= JSON.stringify(answer)
    if (JSON.stringify(answer) !== agreed)
      throw new Error(`${name} says ${JSON.stringify(answer)} instead of ${String(agreed)}`)
    cpu[name] = [...(cpu[name] ?? []), (user + system) / 1e6]
  }
const rows = { current: manifest.totals.readings, history: manifest.totals.versions }
console.log(`${rows.current} readings, ${rows.history} versions, ${meters * 96 * (3 * days - 3)} received\n`)
console.log('| month query over | CPU-s, median | against the current files |')
console.log('|---|---|---|')
const base = median(cpu['current files (core.interval)'] ?? [])
for (const [name, spent] of Object.entries(cpu))
  console.log(`| ${name} | ${median(spent).toFixed(2)} | ${(median(spent) / base).toFixed(1)}x |`)
const [bytes] = await db.rows(`SELECT round(sum(total_compressed_size) FILTER (WHERE path_in_schema IN
    ('series_key', 'start_at', 'value', 'energy_kwh', 'power_of_ten', 'quality', 'tou')) / ${rows.current}, 2)::DOUBLE AS asked,
  round(sum(total_compressed_size) / ${rows.current}, 2)::DOUBLE AS whole
  FROM parquet_metadata([${manifest.current.files.map(({ path }) => literal(lake.locate(path))).join(', ')}])`)
console.log(
  `\nbytes an interval in the current files: ${String(bytes?.['asked'])} for key, time, value, quality and TOU; ${String(bytes?.['whole'])} all columns`,
)
