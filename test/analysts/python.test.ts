/** The lake as analysts open it: Python's duckdb of several versions and pyarrow, from PyPI, also while a load publishes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLake, type TestLake } from '../support/lake.ts'
import { good } from '../bad-input/spoiled-feeds.ts'
import { installPython, readLake, removePython, watchLake } from './python-packages.ts'

/** The oldest DuckDB that reads our views, directly and attached (0.10.0 cannot). Its wheels need Python 3.12 or older. */
const oldest = '0.10.1'
/** The engine we ship, the newest release, the oldest that works. pytz: fetching TIMESTAMPTZ needs it. */
const engines = ['1.5.6', '2.0.0', oldest]

interface Summary {
  readonly views: Readonly<Record<string, number>>
  readonly macros: Readonly<Record<string, number>>
  readonly intervals: readonly (string | number | null)[]
  readonly [sum: string]: unknown
}

/** DESIGN 10: names others rely on; there may be more. */
const contracted = [
  'core.alias',
  'core.interval',
  'core.interval_version',
  'core.reading_type',
  'core.tou_code',
  'core.usage_point',
  'core.usage_summary',
  'core.usage_summary_line',
  'mart.bill_quality',
  'mart.bill_recon',
  'mart.completeness_daily',
  'mart.gap',
  'mart.finality_daily',
  'mart.latency_curve',
  'mart.load_hourly',
  'mart.load_system_hourly',
  'mart.revision_delta',
  'ops.load',
  'ops.notification',
  'ops.quarantine',
  'ref.roster',
  'ref.roster_version',
  'ops.series_pair',
]
const contractedMacros = [
  'core.interval_as_published',
  'core.interval_asof',
  'core.reading_type_asof',
  'core.tou_code_asof',
  'core.usage_point_asof',
  'core.usage_summary_asof',
  'mart.load_hourly_asof',
  'mart.load_system_hourly_asof',
]
const golden = (path: string) => new URL(`../golden/${path}`, import.meta.url).pathname
/** Several commits with all that has a shape of its own: revisions, DST days, gas, net, bills, conflicts, an alias. */
const commits = [
  [golden('dst-autumn-quarters/feed.xml'), golden('usage-summary-lines/feed.xml')],
  [golden('powers-of-ten/feed.xml'), golden('flow-1-19-4/feed.xml'), golden('tou-names/feed.xml')],
  [golden('overlapping-files/feed-1.xml')],
  [golden('overlapping-files/feed-2.xml'), golden('same-interval-twice-differing/feed.xml')],
  [golden('completeness-roster/feed.xml'), golden('completeness-agreement-closed/feed-2.xml')],
  // a MeterReading whose id changes
  [golden('meter-reading-id-reencoded/feed-1.xml'), golden('meter-reading-id-reencoded/feed-2.xml')],
]

let lake: TestLake
let ours: Summary

const folders = new Map<string, string | undefined>()
beforeAll(async () => {
  for (const engine of engines) folders.set(engine, await installPython([`duckdb==${engine}`, 'pytz']))
  folders.set('pyarrow', await installPython(['pyarrow']))
  lake = await createLake()
  for (const files of commits) await lake.load(files)
  await lake.importRoster(golden('completeness-roster/roster.csv'), '2026-05-01')
  ours = await sumsByOurEngine()
}, 600_000)
afterAll(async () => {
  await lake[Symbol.asyncDispose]()
  await removePython()
})

/** The sums the scripts must agree with, by the engine we ship, here in Node. */
async function sumsByOurEngine(): Promise<Summary> {
  const count = async (name: string) => Number((await lake.query(`SELECT count(*) AS n FROM ${name}`))[0]?.['n'])
  const macro = (name: string) => count(`${name}(TIMESTAMPTZ '2999-01-01 00:00:00+00')`)
  const names = async (sql: string) => (await lake.query(sql)).map((row) => row['name'] ?? '')
  const views = await names(`SELECT schema_name || '.' || view_name AS name FROM duckdb_views() WHERE NOT internal`)
  const macros = await names(
    `SELECT DISTINCT schema_name || '.' || function_name AS name FROM duckdb_functions()
      WHERE function_type = 'table_macro' AND NOT internal`,
  )
  const [row] = await lake.query('SELECT count(*) AS n, sum(value) AS value, sum(energy_kwh) AS kwh FROM core.interval')
  return {
    views: Object.fromEntries(await Promise.all(views.map(async (name) => [name, await count(name)] as const))),
    macros: Object.fromEntries(await Promise.all(macros.map(async (name) => [name, await macro(name)] as const))),
    intervals: [Number(row?.['n']), row?.['value'] ?? null, row?.['kwh'] ?? null],
  }
}

test('the views and macros of the contract are there', () => {
  expect(ours.views['core.alias']).toBe(1)
  expect(Object.keys(ours.views)).toEqual(expect.arrayContaining(contracted))
  expect(Object.keys(ours.macros)).toEqual(expect.arrayContaining(contractedMacros))
})

describe.each(engines)('duckdb %s', (engine) => {
  test.for(['direct', 'attach'])('%s: every view and macro, the same sums in any time zone', async (how, { skip }) => {
    const folder = folders.get(engine) ?? skip('no Python packages')
    const zones = ['UTC', 'America/Los_Angeles', 'Asia/Kathmandu']
    const found = await Promise.all(
      zones.map((zone) => readLake<Summary>(folder, ['summary', how, lake.roots.lake, zone])),
    )
    const [first] = found
    expect(first?.views).toEqual(ours.views)
    expect(first?.macros).toEqual(ours.macros)
    const [n, value, kwh] = first?.intervals ?? []
    expect([n, value, Number(kwh)]).toEqual([ours.intervals[0], ours.intervals[1], Number(ours.intervals[2])])
    for (const other of found) expect(other).toEqual(first)
  })
})

test('all engines and both ways of opening give one and the same answer', async ({ skip }) => {
  if (![...folders.values()].some(Boolean)) skip('no Python packages')
  const answers: Summary[] = []
  for (const engine of engines)
    for (const how of ['direct', 'attach']) {
      const folder = folders.get(engine)
      if (folder !== undefined) answers.push(await readLake<Summary>(folder, ['summary', how, lake.roots.lake, 'UTC']))
    }
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

test('pyarrow reads the files the manifest names, and agrees, but for what two ids sent of one series', async ({
  skip,
}) => {
  const folder = folders.get('pyarrow') ?? skip('no Python packages')
  const found = await readLake<{ count: number; kwh: string; types: Record<string, string> }>(folder, [
    'parquet',
    lake.roots.lake,
  ])
  // files hold what each id sent: two hours came under two ids of one series, 2 and 3 Wh under the older
  expect(found.count).toBe(Number(ours.intervals[0]) + 2)
  expect((Number(found.kwh) - Number(ours.intervals[2])).toFixed(9)).toBe('0.005000000')
  expect(found.types).toMatchObject({
    series_key: 'int64',
    start_at: 'timestamp[us, tz=UTC]',
    duration_s: 'int32',
    local_date: 'date32[day]',
    energy_kwh: 'decimal128(18, 9)',
    load_id: 'string',
  })
})

test.for(engines)(
  'duckdb %s looks while loads are published: every look is one whole commit',
  async (engine, { skip }) => {
    const folder = folders.get(engine) ?? skip('no Python packages')
    await using busy = await createLake()
    const feed = async (nth: number) => {
      const path = join(busy.dir, `${nth}.xml`)
      await writeFile(path, good.replaceAll('5391320451', String(nth)))
      return path
    }
    await busy.load([await feed(1)])
    const watch = watchLake<{ looks: [number, string][][] }>(folder, busy.roots.lake)
    for (let nth = 2; nth <= 6; nth++) await busy.load([await feed(nth)])
    const { looks } = await watch.stop()
    expect(looks.length).toBeGreaterThan(2)
    // each commit adds one usage point: 6 intervals, 21000 in all
    const states = [1, 2, 3, 4, 5, 6].map((n) => {
      const interval = [6 * n, String(21_000 * n)]
      return JSON.stringify([interval, interval, [6 * n, String(6 * n)], interval])
    })
    for (const look of looks) expect(states).toContain(JSON.stringify(look))
    expect(JSON.stringify(looks.at(-1))).toBe(states.at(-1))
  },
)
